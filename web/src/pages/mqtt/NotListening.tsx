/** Stands where the broker's numbers will be: says what to set, and how. */
import { RadioTower } from "lucide-react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "@/shell/CodeBlock";
import { EmptyState } from "@/shell/EmptyState";

/** As docs/mqtt.md has it. */
const COMMAND = "sensorium serve --mqtt 0.0.0.0:1883";

/** The words and the command. */
export function NotListening() {
  const { t } = useTranslation("mqtt");
  return (
    <>
      <EmptyState icon={RadioTower} title={t("notListening")} description={t("notListeningWhy")} />
      <CodeBlock text={COMMAND} label={t("startCode")} copyLabel={t("startCopy")} />
    </>
  );
}
