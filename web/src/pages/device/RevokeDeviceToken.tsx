/** Asks before an API token of a device is revoked. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type Device, deviceTokensQuery, type Token } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
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
      <Stack gap="md">
        <Text>{t("revokeBody")}</Text>
        <FormFailure error={revoke.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("common:cancel")}
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
