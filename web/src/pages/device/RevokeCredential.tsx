/** Asks before a pre-shared key or a client certificate of a device is revoked. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type DeviceCredential, deviceCredentialsQuery } from "@/api/credentials";
import type { Device } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link RevokeCredential}. */
export interface RevokeCredentialProps {
  device: Device;
  credential: DeviceCredential;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function RevokeCredential({ device, credential, opened, onClose }: RevokeCredentialProps) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const name = credential.label;
  const revoke = useMutation({
    mutationFn: () =>
      api.DELETE("/api/v1/devices/{id}/credentials/{credential}", {
        params: { path: { id: device.id, credential: credential.id } },
      }),
    onSuccess: async () => {
      onClose();
      void toast(t("revoked", { name }));
      await client.invalidateQueries({ queryKey: deviceCredentialsQuery(device.id).queryKey });
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
        body={t("credentialRevokeBody")}
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
