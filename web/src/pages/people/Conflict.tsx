/** Says that somebody else changed the person meanwhile, and what. */
import { Text } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/queries";
import { differences } from "./conflict";
import classes from "./people.module.css";

/** Properties of {@link Conflict}. */
export interface ConflictProps {
  seen: Person;
  now: Person;
}

/** What is different, fact by fact; read out when it appears. */
export function Conflict({ seen, now }: ConflictProps) {
  const { t } = useTranslation(["people", "common"]);
  const found = differences(seen, now);
  return (
    <div role="alert" className={classes["conflict"]}>
      <p className={classes["conflictTitle"]}>
        <TriangleAlert size={16} aria-hidden />
        {t("conflict", { login: now.login })}
      </p>
      {found.length === 0 ? (
        <Text c="dimmed">{t("conflictUnseen")}</Text>
      ) : (
        <dl>
          {found.map(({ fact, seen: was, now: is }) => (
            <div key={fact}>
              <dt>{t(fact)}</dt>
              <dd>{t("wasIs", { was: wordFor(fact, was), is: wordFor(fact, is) })}</dd>
            </div>
          ))}
        </dl>
      )}
      <Text>{t("conflictChoice")}</Text>
    </div>
  );

  function wordFor(fact: "name" | "role" | "status", value: string): string {
    if (fact === "name") return value === "" ? t("noName") : `“${value}”`;
    return fact === "role" ? t(`common:user.role.${value as Person["role"]}`) : t(`status_${value as Person["status"]}`);
  }
}
