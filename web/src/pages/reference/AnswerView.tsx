/** Status, size and body of an answer. */
import { Button, Text, Title } from "@mantine/core";
import { CircleAlert, CircleCheck, Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Answer, SHOWN_CHARACTERS } from "./answer";
import classes from "./reference.module.css";

function save(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.split("/").at(-1) ?? name;
  link.click();
  // The browser has taken its own hold of the blob once the click returns.
  URL.revokeObjectURL(link.href);
}

/** The answer to one request. */
export function AnswerView({ answer, name }: { answer: Answer; name: string }) {
  const { t } = useTranslation("api");
  const Icon = answer.ok ? CircleCheck : CircleAlert;
  return (
    <section className={classes["answer"]}>
      <Title order={3}>{t("answer")}</Title>
      <p className={classes["status"]} data-ok={answer.ok} role="status">
        <Icon size={16} aria-hidden />
        {t("status", {
          status: answer.status,
          text: answer.statusText,
          ms: Math.round(answer.elapsedMs),
          bytes: answer.bytes,
        })}
      </p>
      {answer.text === "" && <Text c="dimmed">{t("empty")}</Text>}
      {answer.text !== null && answer.text !== "" && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must take the focus
        <pre role="region" aria-label={t("answer")} tabIndex={0}>
          {answer.text}
        </pre>
      )}
      {answer.text === null && <Text c="dimmed">{t("binary")}</Text>}
      {answer.cut && <Text c="dimmed">{t("cut", { shown: SHOWN_CHARACTERS })}</Text>}
      {(answer.cut || answer.text === null) && (
        <Button
          variant="default"
          leftSection={<Download size={14} aria-hidden />}
          onClick={() => {
            save(answer.blob, name);
          }}
        >
          {t("download")}
        </Button>
      )}
    </section>
  );
}
