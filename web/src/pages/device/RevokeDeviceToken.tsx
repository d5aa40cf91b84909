/** Asks before an API token of a device is revoked. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type Device, deviceTokensQuery, type Token } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link RevokeDeviceToken}. */
export interface RevokeDeviceTokenProps {
  device: Device;
  token: Token;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function RevokeDeviceToken({ device, token, opened, onClose }: RevokeDeviceTokenProps) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const { name } = token;
  const revoke = useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/devices/{id}/tokens/{token}", { params: { path: { id: device.id, token: token.id } } }),
    onSuccess: async () => {
      onClose();
      void toast(t("revoked", { name }));
      await client.invalidateQueries({ queryKey: deviceTokensQuery(device.id).queryKey });
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("revokeTitle", { name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
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
