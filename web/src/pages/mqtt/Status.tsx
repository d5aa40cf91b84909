/** The head of the page: where the broker listens, and its numbers. */
import { useTranslation } from "react-i18next";
import type { MqttStatus } from "@/api/mqtt";
import { spoken } from "@/charts/format";
import { addressFor } from "./listen";
import classes from "./mqtt.module.css";

const COUNTS = ["connections", "sessions", "subscriptions", "received", "sent", "refused", "dropped", "limited"] as const;

/** Lists of facts. */
export function Status({ status }: { status: MqttStatus }) {
  const { t, i18n } = useTranslation("mqtt");
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <section className={`sn-panel ${classes["facts"] ?? ""}`} aria-label={t("numbers")}>
      <dl>
        <div className={classes["addresses"]}>
          <dt>{t("addresses")}</dt>
          {status.listeners.map((listener) => (
            <dd key={`${listener.transport} ${listener.address}`} className="sn-mono">
              {addressFor(listener, globalThis.location)}
            </dd>
          ))}
        </div>
        {status.bridges.length > 0 && (
          <div className={classes["addresses"]}>
            <dt>{t("bridges")}</dt>
            {status.bridges.map(({ name, address, is_connected: isConnected, error }) => (
              <dd key={name}>
                {name} <span className="sn-mono">{address}</span>{" "}
                <span className="sn-dim">· {isConnected ? t("connected") : (error ?? t("notConnected"))}</span>
              </dd>
            ))}
          </div>
        )}
        {COUNTS.map((name) => (
          <div key={name}>
            <dt>{t(name)}</dt>
            <dd>{number.format(status[name])}</dd>
          </div>
        ))}
        <div>
          <dt>{t("retainedCount")}</dt>
          <dd>
            {number.format(status.retained)} <span className="sn-dim">· {spoken(status.retained_bytes, "bytes")}</span>
          </dd>
        </div>
      </dl>
    </section>
  );
}
