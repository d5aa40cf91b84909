/** Asks before a group is deleted. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Group } from "@/api/groups";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { useGroupChange } from "./useGroupChange";

/** Properties of {@link DeleteGroup}. */
export interface DeleteGroupProps {
  group: Group;
  opened: boolean;
  onDeleted: () => void;
  onClose: () => void;
}

/** Confirmation dialog. */
export function DeleteGroup({ group, opened, onDeleted, onClose }: DeleteGroupProps) {
  const { t } = useTranslation(["groups", "common"]);
  const { name } = group;
  const { send, isPending, error, conflict } = useGroupChange({
    group,
    request: ({ id, version }) => api.DELETE("/api/v1/groups/{id}", { params: { path: { id }, query: { version } } }),
    onDone: () => {
      onDeleted();
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
