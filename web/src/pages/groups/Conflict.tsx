/** Says that somebody else changed the group meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { Group } from "@/api/groups";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { differences } from "./form";

/** What is different, fact by fact and thing by thing. */
export function Conflict({ seen, now }: { seen: Group; now: Group }) {
  const { t } = useTranslation("groups");
  const word = (value: string) => (value === "" ? t("nothing") : `“${value}”`);
  return (
    <ConflictNotice
      title={t("conflict", { name: now.name })}
      found={differences(seen, now).map((one) =>
        "name" in one
          ? { label: t(`one_${one.fact}`, { name: one.name }), was: t(one.isIn ? "isOut" : "isIn"), is: t(one.isIn ? "isIn" : "isOut") }
          : { label: t(one.fact), was: word(one.was), is: word(one.is) },
      )}
    />
  );
}
