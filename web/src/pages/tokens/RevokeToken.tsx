/** Asks before a token is revoked. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type Token, tokensQuery } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
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
      <Confirmation
        body={t("revokeBody")}
        error={revoke.error}
        confirm={t("revoke")}
        isPending={revoke.isPending}
        onConfirm={() => {
          revoke.mutate();
        }}
        onClose={onClose}
      />
    </Modal>
  );
}
