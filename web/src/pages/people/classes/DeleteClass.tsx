/** Asks before a class is deleted. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { PersonClass } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";
import { ClassConflict } from "./ClassConflict";
import { useClassChange } from "./useClassChange";

/** Properties of {@link DeleteClass}. */
export interface DeleteClassProps {
  of: PersonClass;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function DeleteClass({ of, opened, onClose }: DeleteClassProps) {
  const { t } = useTranslation(["people", "common"]);
  const { name } = of;
  const { send, isPending, error, conflict } = useClassChange({
    of,
    request: ({ id, version }) => api.DELETE("/api/v1/classes/{id}", { params: { path: { id }, query: { version } } }),
    onDone: () => {
      onClose();
      void toast(t("classes.deleted", { name }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("classes.deleteTitle", { name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t("classes.deleteBody")}
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? "classes.deleteConfirm" : "classes.deleteAnyway")}
        isPending={isPending}
        onConfirm={() => {
          send(undefined);
        }}
        onClose={onClose}
      >
        {conflict !== null && <ClassConflict {...conflict} />}
      </Confirmation>
    </Modal>
  );
}
