/** Says that somebody else changed the class meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { PersonClass } from "@/api/queries";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { differences } from "./filled";
import { LABELS } from "./labels";

/** What is different, fact by fact. */
export function ClassConflict({ seen, now }: { seen: PersonClass; now: PersonClass }) {
  const { t } = useTranslation("people");
  const word = (value: string) => (value === "" ? t("classes.unbound") : `“${value}”`);
  return (
    <ConflictNotice
      title={t("classes.conflict", { name: now.name })}
      found={differences(seen, now).map(({ fact, was, is }) => ({
        label: t(LABELS[fact].label),
        was: word(was),
        is: word(is),
      }))}
    />
  );
}
