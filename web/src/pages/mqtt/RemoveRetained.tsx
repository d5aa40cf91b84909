/** Asks before what is retained on a topic is removed. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { MQTT_KEY } from "@/api/mqtt";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link RemoveRetained}. */
export interface RemoveRetainedProps {
  topic: string;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function RemoveRetained({ topic, opened, onClose }: RemoveRetainedProps) {
  const { t } = useTranslation(["mqtt", "common"]);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.DELETE("/api/v1/mqtt/retained", { params: { query: { topic } } }),
    onSuccess: async () => {
      onClose();
      void toast(t("removeDone", { topic }));
      await client.invalidateQueries({ queryKey: MQTT_KEY });
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} title={t("removeTitle", { topic })} closeButtonProps={{ "aria-label": t("common:close") }}>
      <Confirmation
        body={t("removeBody")}
        error={remove.error}
        confirm={t("remove")}
        isPending={remove.isPending}
        onConfirm={() => {
          remove.mutate();
        }}
        onClose={onClose}
      />
    </Modal>
  );
}
