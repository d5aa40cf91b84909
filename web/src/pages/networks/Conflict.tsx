/** Says that somebody else changed the network meanwhile, and what. */
import { useTranslation } from "react-i18next";
import type { Network } from "@/api/queries";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { differences } from "./change";

/** What is different, fact by fact. */
export function Conflict({ seen, now }: { seen: Network; now: Network }) {
  const { t } = useTranslation("networks");
  const word = (fact: "name" | "ssid" | "has_password", network: Network) =>
    fact === "has_password" ? t(network.has_password ? "stored" : "open") : `“${network[fact]}”`;
  return (
    <ConflictNotice
      title={t("conflict", { name: now.name })}
      found={differences(seen, now).map((fact) => ({
        label: t(fact === "has_password" ? "password" : fact),
        was: word(fact, seen),
        is: word(fact, now),
      }))}
    />
  );
}
