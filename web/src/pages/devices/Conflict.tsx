/** Says that somebody else changed the device meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { Device } from "@/api/queries";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { type Difference, differences } from "./wanted";

/** Properties of {@link Conflict}. */
export interface ConflictProps {
  seen: Device;
  now: Device;
}

/** What is different, fact by fact. */
export function Conflict({ seen, now }: ConflictProps) {
  const { t } = useTranslation("devices");
  return (
    <ConflictNotice
      title={t("conflict", { name: now.name })}
      found={differences(seen, now).map(({ fact, of, seen: was, now: is }) => ({
        label: of ?? t(fact),
        was: wordFor(was),
        is: wordFor(is),
      }))}
    />
  );

  function wordFor(value: Difference["seen"]): string {
    if (value === null) return t("nothing");
    return typeof value === "string" ? `“${value}”` : t(value ? "enabled" : "disabled");
  }
}
