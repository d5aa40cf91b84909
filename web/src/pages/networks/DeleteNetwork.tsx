/** Asks before a network is deleted. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Network } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
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
      <Confirmation
        body={t("deleteBody")}
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? "delete" : "deleteAnyway")}
        isPending={isPending}
        onConfirm={() => {
          send(undefined);
        }}
        onClose={onClose}
      >
        {conflict !== null && <Conflict {...conflict} />}
      </Confirmation>
    </Modal>
  );
}
