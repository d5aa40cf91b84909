/** Asks before a token is revoked. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type Token, tokensQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";

/** Properties of {@link RevokeToken}. */
export interface RevokeTokenProps {
  token: Token;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function RevokeToken({ token, opened, onClose }: RevokeTokenProps) {
  const { t } = useTranslation("tokens");
  const client = useQueryClient();
  const { id, name } = token;
  const revoke = useMutation({
    mutationFn: () => api.DELETE("/api/v1/tokens/{id}", { params: { path: { id } } }),
    onSuccess: async () => {
      onClose();
      void toast(t("revoked", { name }));
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("revokeTitle", { name })}
      closeButtonProps={{ "aria-label": t("close") }}
    >
      <Stack gap="md">
        <Text>{t("revokeBody")}</Text>
        <FormFailure error={revoke.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("cancel")}
          </Button>
          <Button
            color="red.9"
            loading={revoke.isPending}
            onClick={() => {
              revoke.mutate();
            }}
          >
            {t("revoke")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
