/** The trace of a client: its packets as they come and go, newest first, and what editors do about it. */
import { Button, Group, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Radar, Square } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { MQTT_KEY, type MqttPacket, type MqttTrace, mqttTraceQuery, mqttTracesQuery } from "@/api/mqtt";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./mqtt.module.css";

/** How many packets are shown. */
const SHOWN = 200;

/** Properties of {@link Trace}. */
export interface TraceProps {
  /** The key of the client. */
  client: string;
  mayChange: boolean;
}

/** A section of what is known of a client. */
export function Trace({ client, mayChange }: TraceProps) {
  const { t } = useTranslation("mqtt");
  const queries = useQueryClient();
  const { data, error } = useQuery(mqttTracesQuery);
  const trace = data?.traces.find((each) => each.client === client);
  const changed = () => queries.invalidateQueries({ queryKey: [...MQTT_KEY, "traces"] });
  const start = useMutation({
    mutationFn: () => api.POST("/api/v1/mqtt/traces", { body: { client } }),
    onSuccess: changed,
  });
  const remove = useMutation({
    mutationFn: ({ id }: MqttTrace) => api.DELETE("/api/v1/mqtt/traces/{id}", { params: { path: { id } } }),
    onSuccess: changed,
  });
  if (trace === undefined && !mayChange) return null;
  return (
    <section className={classes["half"]} aria-label={t("trace")}>
      <Title order={3}>{t("trace")}</Title>
      <FormFailure error={start.error ?? remove.error ?? error} />
      {trace === undefined ? (
        <p className="sn-dim">{t("traceHint")}</p>
      ) : (
        <Packets trace={trace} />
      )}
      {mayChange && (
        <Group gap="sm">
          {trace === undefined ? (
            <Button
              variant="default"
              leftSection={<Radar size={16} aria-hidden />}
              loading={start.isPending}
              onClick={() => {
                start.mutate();
              }}
            >
              {t("traceStart")}
            </Button>
          ) : (
            <Button
              variant="default"
              leftSection={<Square size={16} aria-hidden />}
              loading={remove.isPending}
              onClick={() => {
                remove.mutate(trace);
              }}
            >
              {t(trace.is_running ? "traceStop" : "traceRemove")}
            </Button>
          )}
        </Group>
      )}
    </section>
  );
}

function Packets({ trace: { id } }: { trace: MqttTrace }) {
  const { t, i18n } = useTranslation("mqtt");
  const { data, error } = useQuery(mqttTraceQuery(id, SHOWN));
  if (data === undefined) return <FormFailure error={error} />;
  const { trace, packets } = data;
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: "medium" });
  const until = time.format(new Date(trace.until));
  return (
    <>
      <p className="sn-dim">
        {t(trace.is_running ? "traceRuns" : "traceOver", { time: until, count: trace.packets })}
      </p>
      {packets.length > 0 && (
        <table className={classes["values"]}>
          <caption className="sn-hidden">{t("tracePackets")}</caption>
          <thead className="sn-hidden">
            <tr>
              <th scope="col">{t("at")}</th>
              <th scope="col">{t("packet")}</th>
              <th scope="col">{t("topic")}</th>
              <th scope="col">{t("bytes")}</th>
            </tr>
          </thead>
          <tbody>
            {packets.toReversed().map((packet) => (
              <tr key={packet.number}>
                <th scope="row">{time.format(new Date(packet.at))}</th>
                <td>
                  <span aria-hidden>{packet.is_from_client ? "→" : "←"}</span>{" "}
                  <span className="sn-hidden">{t(packet.is_from_client ? "fromClient" : "toClient")}</span> {packet.kind}
                </td>
                <td className="sn-mono">
                  <Details packet={packet} />
                </td>
                <td>{packet.bytes}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Details({ packet: { topic, qos, reason, reason_name: name } }: { packet: MqttPacket }) {
  const { t } = useTranslation("mqtt");
  const words = [
    ...(topic == null ? [] : [topic]),
    ...(qos == null ? [] : [t("qosOf", { qos })]),
    // Success needs no words.
    ...(reason == null || reason === 0 ? [] : [`0x${reason.toString(16).padStart(2, "0")} ${name ?? ""}`]),
  ];
  return words.join(" · ");
}
