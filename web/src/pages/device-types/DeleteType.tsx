/** Asks before a type is deleted; the server refuses it while devices have it. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { DEVICES_KEY, type DeviceType } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link DeleteType}. */
export interface DeleteTypeProps {
  type: DeviceType;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function DeleteType({ type, opened, onClose }: DeleteTypeProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("deleteTypeTitle", { name: type.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Question type={type} onClose={onClose} />
    </Modal>
  );
}

function Question({ type, onClose }: Omit<DeleteTypeProps, "opened">) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const { id, name, version } = type;
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/device-types/{id}", { params: { path: { id }, query: { version } } }),
    onSuccess: () => {
      onClose();
      void toast(t("typeDeleted", { name }));
    },
    // Also after a refusal: what is shown may be old.
    onSettled: () => client.invalidateQueries({ queryKey: DEVICES_KEY }),
  });
  return (
    <Confirmation
      body={t("deleteTypeBody")}
      error={remove.error}
      confirm={t("delete")}
      isPending={remove.isPending}
      onConfirm={() => {
        remove.mutate();
      }}
      onClose={onClose}
    />
  );
}
