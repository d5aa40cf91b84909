/** Makes a token of its own for the device, which may only write, and fills it in. */
import { Button, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { tokensQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./deviceCode.module.css";

/** Properties of {@link MakeToken}. */
export interface MakeTokenProps {
  /** What the device is called, which the token is called too; the button waits for it. */
  device: string;
  database: string;
  onMade: (secret: string) => void;
}

/** The button, and what became of it. */
export function MakeToken({ device, database, onMade }: MakeTokenProps) {
  const { t } = useTranslation("device-code");
  const client = useQueryClient();
  const name = device.trim();
  const make = useMutation({
    mutationFn: async () =>
      body(
        await api.POST("/api/v1/tokens", {
          body: { name, can_read: false, can_write: true, ...(database === "" ? {} : { database }) },
        }),
      ),
    onSuccess: async ({ secret }) => {
      onMade(secret);
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  return (
    <div className={classes["token"]}>
      <Button
        variant="default"
        disabled={name === ""}
        loading={make.isPending}
        leftSection={<KeyRound size={14} aria-hidden />}
        onClick={() => {
          make.mutate();
        }}
      >
        {t("makeToken")}
      </Button>
      <Text c="dimmed" size="xs" role="status">
        {make.isSuccess ? t("tokenMade", { name: make.data.token.name }) : t(name === "" ? "tokenWaits" : "tokenHint")}
      </Text>
      <FormFailure error={make.error} />
    </div>
  );
}
