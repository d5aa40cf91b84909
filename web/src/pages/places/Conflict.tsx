/** Says that somebody else changed the place meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { Place } from "@/api/queries";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { differences } from "./form";

/** What is different, fact by fact. */
export function Conflict({ seen, now }: { seen: Place; now: Place }) {
  const { t } = useTranslation("places");
  const word = (value: string | null) => (value === null ? t("nothing") : `“${value}”`);
  return (
    <ConflictNotice
      title={t("conflict", { name: now.name })}
      found={differences(seen, now).map((one) => ({ label: t(one.fact), was: word(one.seen), is: word(one.now) }))}
    />
  );
}
