/** Stands where devices will wait: says what a key for devices is, and how a device sends with it. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import { useTranslation } from "react-i18next";
import { databasesQuery } from "@/api/queries";
import { CodeBlock } from "@/shell/CodeBlock";
import { EmptyState } from "@/shell/EmptyState";
import classes from "./inbox.module.css";
import { MakeKey } from "./MakeKey";
import { snippet } from "./snippet";

const FIRST_DATABASE = "main";

/** The words, the next step for those who may take it, and the text to paste. */
export function FirstKey({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation("inbox");
  const databases = useQuery(databasesQuery);
  const names = databases.data?.map(({ name }) => name) ?? [];
  const database = names.includes(FIRST_DATABASE) ? FIRST_DATABASE : (names[0] ?? FIRST_DATABASE);
  return (
    <>
      <EmptyState icon={Inbox} title={t("none")} description={t(mayChange ? "noneWhy" : "noneViewer")}>
        {mayChange && <MakeKey />}
      </EmptyState>
      {mayChange && (
        <section className={classes["section"]} aria-label={t("how")}>
          <Text c="dimmed">{t("how")}</Text>
          <CodeBlock
            text={snippet({ origin: globalThis.location.origin, database, key: t("placeholder") })}
            label={t("code")}
            copyLabel={t("copyLabel")}
          />
        </section>
      )}
    </>
  );
}
