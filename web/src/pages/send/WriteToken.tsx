/** One click creates a token that may only write to the chosen database. */
import { Button, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouteContext } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { tokensQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./send.module.css";

/** Properties of {@link WriteToken}. */
export interface WriteTokenProps {
  database: string;
  /** The secret that was created in this tab, if any. */
  secret: string | undefined;
  onCreated: (secret: string) => void;
}

/** The button, or what became of it. */
export function WriteToken({ database, secret, onCreated }: WriteTokenProps) {
  const { t, i18n } = useTranslation("send");
  const client = useQueryClient();
  const canWrite = useRouteContext({ from: "/signed-in", select: (context) => context.session.can_write });
  const create = useMutation({
    mutationFn: async () => {
      const when = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" }).format(Date.now());
      const name = t("tokenName", { when });
      return body(await api.POST("/api/v1/tokens", { body: { name, database, can_read: false, can_write: true } }));
    },
    onSuccess: async (created) => {
      onCreated(created.secret);
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  if (!canWrite) return <Text c="dimmed">{t("noRights")}</Text>;
  if (secret !== undefined) {
    return (
      <Text c="dimmed" role="status">
        {t("tokenReady", { database })} {t("tokenUnneeded")} <Link to="/tokens">{t("moreTokens")}</Link>
      </Text>
    );
  }
  return (
    <div className={classes["token"]}>
      <Button
        leftSection={<KeyRound size={16} aria-hidden />}
        loading={create.isPending}
        onClick={() => {
          create.mutate();
        }}
      >
        {t("createToken")}
      </Button>
      <Text c="dimmed">{t("createTokenHint", { database })}</Text>
      <FormFailure error={create.error} />
    </div>
  );
}
