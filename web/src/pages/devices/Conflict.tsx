/** Says that somebody else changed the device meanwhile, and what. */
import { Text } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Device } from "@/api/queries";
import classes from "./devices.module.css";
import { type Difference, differences } from "./wanted";

/** Properties of {@link Conflict}. */
export interface ConflictProps {
  seen: Device;
  now: Device;
}

/** What is different, fact by fact; read out when it appears. */
export function Conflict({ seen, now }: ConflictProps) {
  const { t } = useTranslation("devices");
  const found = differences(seen, now);
  return (
    <div role="alert" className={classes["conflict"]}>
      <p className={classes["conflictTitle"]}>
        <TriangleAlert size={16} aria-hidden />
        {t("conflict", { name: now.name })}
      </p>
      {found.length === 0 ? (
        <Text c="dimmed">{t("conflictUnseen")}</Text>
      ) : (
        <dl>
          {found.map(({ fact, of, seen: was, now: is }) => (
            <div key={`${fact} ${of ?? ""}`}>
              <dt>{of ?? t(fact)}</dt>
              <dd>{t("wasIs", { was: wordFor(was), is: wordFor(is) })}</dd>
            </div>
          ))}
        </dl>
      )}
      <Text>{t("conflictChoice")}</Text>
    </div>
  );

  function wordFor(value: Difference["seen"]): string {
    if (value === null) return t("nothing");
    return typeof value === "string" ? `“${value}”` : t(value ? "enabled" : "disabled");
  }
}
