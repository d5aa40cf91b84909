/** Asks before a client is disconnected or its session is ended. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { MQTT_KEY, type MqttClient, mqttClientQuery } from "@/api/mqtt";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** What ends: the connection alone, or the session with it. */
export type Ending = "disconnect" | "end";

/** Properties of {@link EndClient}. */
export interface EndClientProps {
  client: MqttClient;
  ending: Ending;
  opened: boolean;
  onClose: () => void;
  /** Called when there is nothing left of the client. */
  onGone: () => void;
}

/** Confirmation dialog. */
export function EndClient({ client, ending, opened, onClose, onGone }: EndClientProps) {
  const { t } = useTranslation(["mqtt", "common"]);
  const queries = useQueryClient();
  const { key, client_id: name, queued } = client;
  const isEnd = ending === "end";
  const end = useMutation({
    mutationFn: () => api.DELETE("/api/v1/mqtt/clients/{key}", { params: { path: { key }, query: { session: isEnd } } }),
    onSuccess: async () => {
      onClose();
      void toast(t(`${ending}Done`, { name }));
      if (isEnd) {
        onGone();
        queries.removeQueries(mqttClientQuery(key));
      }
      await queries.invalidateQueries({ queryKey: MQTT_KEY });
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} title={t(`${ending}Title`, { name })} closeButtonProps={{ "aria-label": t("common:close") }}>
      <Confirmation
        body={isEnd ? t("endBody", { count: queued }) : t("disconnectBody")}
        error={end.error}
        confirm={t(ending)}
        isHarmless={!isEnd}
        isPending={end.isPending}
        onConfirm={() => {
          end.mutate();
        }}
        onClose={onClose}
      />
    </Modal>
  );
}
