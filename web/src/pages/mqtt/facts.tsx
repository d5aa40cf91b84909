/** What is known of a client, as the table and the drawer show it. */
import { Link } from "@tanstack/react-router";
import { Plug, PowerOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { MqttClient } from "@/api/mqtt";
import { Moment } from "@/shell/Moment";
import classes from "./mqtt.module.css";

const TRANSPORTS = ["tcp", "tls", "websocket"] as const;

/** Messages that never reach it. */
export function droppedOf({ dropped_qos0, dropped_oldest, expired_messages }: MqttClient): number {
  return dropped_qos0 + dropped_oldest + expired_messages;
}

/** Connected or not, by icon and word. */
export function Connection({ isConnected }: { isConnected: boolean }) {
  const { t } = useTranslation("mqtt");
  const Icon = isConnected ? Plug : PowerOff;
  return (
    <span className={classes["state"]} data-state={isConnected ? "live" : "away"}>
      <Icon size={14} aria-hidden />
      {t(isConnected ? "connected" : "notConnected")}
    </span>
  );
}

/** Since when it is connected or away, and until when its session is kept. */
export function Since({ client: { since, expires, is_connected: isConnected }, now }: { client: MqttClient; now: number }) {
  const { t, i18n } = useTranslation("mqtt");
  const clock = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <span className="sn-dim">
      <Moment time={new Date(since)} now={now} />
      {!isConnected && expires != null && (
        <>
          {" · "}
          <time dateTime={expires}>{t("expiresAt", { time: clock.format(new Date(expires)) })}</time>
        </>
      )}
    </span>
  );
}

/** The device that it is, or the login that it came in with. */
export function DeviceLink({ client: { device, login } }: { client: MqttClient }) {
  const { t } = useTranslation("mqtt");
  if (device != null) {
    return (
      <Link to="/devices/$id" params={{ id: device.id }}>
        {device.name}
      </Link>
    );
  }
  return <span className="sn-dim">{login ?? t("nothing")}</span>;
}

/** Where it is connected from, and over what. */
export function Address({ client: { address, transport } }: { client: MqttClient }) {
  const { t } = useTranslation("mqtt");
  if (address == null) return <span className="sn-dim">{t("nothing")}</span>;
  const known = TRANSPORTS.find((one) => one === transport);
  return (
    <span>
      <span className="sn-mono">{address}</span> <span className="sn-dim">{known === undefined ? transport : t(`transport_${known}`)}</span>
    </span>
  );
}
