/** Asks before a network is deleted. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Network } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { useNetworkChange } from "./useNetworkChange";

/** Properties of {@link DeleteNetwork}. */
export interface DeleteNetworkProps {
  network: Network;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function DeleteNetwork({ network, opened, onClose }: DeleteNetworkProps) {
  const { t } = useTranslation(["networks", "common"]);
  const { name } = network;
  const { send, isPending, error, conflict } = useNetworkChange({
    network,
    request: ({ id, version }) =>
      api.DELETE("/api/v1/networks/{id}", { params: { path: { id }, query: { version } } }),
    onDone: () => {
      onClose();
      void toast(t("deleted", { name }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("deleteTitle", { name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Stack gap="md">
        <Text>{t("deleteBody")}</Text>
        {conflict !== null && <Conflict {...conflict} />}
        <FormFailure error={error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t(conflict === null ? "common:cancel" : "keep")}
          </Button>
          <Button
            color="red.9"
            loading={isPending}
            onClick={() => {
              send(undefined);
            }}
          >
            {t(conflict === null ? "delete" : "deleteAnyway")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
