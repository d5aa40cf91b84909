/** Asks before somebody's second factor is removed, for those who lost the app and the recovery codes. */
import { Modal } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Person } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link RemoveFactor}. */
export interface RemoveFactorProps {
  person: Person;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog; whether there is a second factor at all, the server says. */
export function RemoveFactor({ person: { id, login }, opened, onClose }: RemoveFactorProps) {
  const { t } = useTranslation(["people", "common"]);
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/users/{id}/second-factor", { params: { path: { id } } }),
    onSuccess: () => {
      onClose();
      void toast(t("factorRemoved", { login }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("factorTitle", { login })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t("factorBody")}
        error={remove.error}
        confirm={t("factorRemove")}
        isPending={remove.isPending}
        onConfirm={() => {
          remove.mutate();
        }}
        onClose={onClose}
      />
    </Modal>
  );
}
