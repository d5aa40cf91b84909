/** What people see when a page breaks, cannot be loaded, or does not exist. */
import { Button, Code, Group, Text, Title } from "@mantine/core";
import { type ErrorComponentProps, Link, useLocation } from "@tanstack/react-router";
import { CircleAlert, MapPinOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/api/client";
import { EmptyState } from "./EmptyState";
import classes from "./Failures.module.css";

function isMissingChunk(error: unknown): boolean {
  return error instanceof TypeError && /import|module/i.test(error.message);
}

/** The error boundary of every page. */
export function RouteFailure({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const chunk = isMissingChunk(error);
  return (
    <section className={classes["failure"]} role="alert">
      <CircleAlert size={28} aria-hidden />
      <Title order={1}>{t(chunk ? "failure.load" : "failure.title")}</Title>
      <Text>{t(chunk ? "failure.loadBody" : "failure.body")}</Text>
      <details>
        <summary>{t("failure.detail")}</summary>
        <Code block>{sentenceOf(error)}</Code>
      </details>
      <Group>
        <Button
          onClick={() => {
            if (chunk) globalThis.location.reload();
            else reset();
          }}
        >
          {t(chunk ? "failure.reload" : "failure.retry")}
        </Button>
        <Button variant="default" component="a" href="/">
          {t("failure.home")}
        </Button>
      </Group>
    </section>
  );
}

/** An address that leads nowhere. */
export function NotFound() {
  const { t } = useTranslation();
  const path = useLocation({ select: (location) => location.pathname });
  return (
    <main className={classes["failure"]}>
      <EmptyState order={1} icon={MapPinOff} title={t("missing.title")} description={t("missing.body", { path })}>
        <Link to="/">{t("failure.home")}</Link>
      </EmptyState>
    </main>
  );
}
