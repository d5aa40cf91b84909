/** Says that somebody else changed the person meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { Person } from "@/api/queries";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { differences, type Fact } from "./conflict";

/** Properties of {@link Conflict}. */
export interface ConflictProps {
  seen: Person;
  now: Person;
}

/** What is different, fact by fact. */
export function Conflict({ seen, now }: ConflictProps) {
  const { t } = useTranslation(["people", "common"]);
  return (
    <ConflictNotice
      title={t("conflict", { login: now.login })}
      found={differences(seen, now).map(({ fact, seen: was, now: is }) => ({
        label: t(fact),
        was: wordFor(fact, was),
        is: wordFor(fact, is),
      }))}
    />
  );

  function wordFor(fact: Fact, value: string): string {
    if (fact === "class") return value === "" ? t("noClass") : `“${value}”`;
    if (fact === "name") return value === "" ? t("noName") : `“${value}”`;
    return fact === "role" ? t(`common:user.role.${value as Person["role"]}`) : t(`status_${value as Person["status"]}`);
  }
}
