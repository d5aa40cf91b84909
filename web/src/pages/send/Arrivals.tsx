/** Shows the first reading the moment it arrives, and those that follow. */
import { Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, Hourglass } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { lastQuery } from "@/api/queries";
import { useLive } from "@/live";
import { FormFailure } from "@/shell/FormFailure";
import { type Arrivals as Seen, backgroundOf, NOTHING, type Reading, withFrame } from "./readings";
import classes from "./send.module.css";

/** What arrived within this time before the page was opened counts as arriving already. */
const FRESH_MS = 15_000;

/** The live panel of one database; remount it (by `key`) for another. */
export function Arrivals({ database }: { database: string }) {
  const { t } = useTranslation("send");
  const [seen, setSeen] = useState<Seen>(NOTHING);
  const [listening, setListening] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const last = useQuery({ ...lastQuery(database), staleTime: Infinity, gcTime: 0 });
  const background = useMemo(() => last.data && backgroundOf(last.data, FRESH_MS), [last.data]);
  useLive(background === undefined ? null : { database, table: "*" }, {
    onFrame(frame, rows) {
      if (background !== undefined) setSeen((before) => withFrame(before, frame, rows, background));
    },
    // Told when the subscription stands: a reading that is sent from now on cannot be missed.
    onGap() {
      setListening(true);
    },
    onError(_code, error) {
      setRefusal(error);
    },
  });
  const Icon = seen.count === 0 ? Hourglass : CircleCheck;
  return (
    <section className={classes["section"]} aria-labelledby="arrivals">
      <Title order={2} id="arrivals">
        {t("arrivals")}
      </Title>
      <FormFailure error={last.error ?? (refusal === null ? null : t("refusedStream", { error: refusal }))} />
      <div className={`sn-panel ${classes["arrivals"] ?? ""}`}>
        <p className={classes["state"]} data-arrived={seen.count > 0} role="status">
          <Icon size={20} aria-hidden />
          <strong>{t(seen.count > 0 ? "arrived" : listening ? "waiting" : "starting")}</strong>
        </p>
        {seen.count === 0 ? (
          <Text c="dimmed">{t("waitingWhy", { database })}</Text>
        ) : (
          <>
            <ReadingTable readings={seen.newest} />
            <Text c="dimmed">
              {t("arrivedMore", { count: seen.count })} · <Link to="/">{t("toOverview")}</Link>
            </Text>
          </>
        )}
      </div>
    </section>
  );
}

function ReadingTable({ readings }: { readings: readonly Reading[] }) {
  const { t, i18n } = useTranslation("send");
  const clock = new Intl.DateTimeFormat(i18n.language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hour12: false,
  });
  return (
    <table className={classes["table"]}>
      <caption className="sn-hidden">{t("arrivals")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("time")}</th>
          <th scope="col">{t("table")}</th>
          <th scope="col">{t("tags")}</th>
          <th scope="col">{t("values")}</th>
        </tr>
      </thead>
      <tbody>
        {readings.map(({ id, timeMs, table, tags, values }) => (
          <tr key={id}>
            <td className="sn-mono">{clock.format(timeMs)}</td>
            <td>{table}</td>
            <td className="sn-dim">
              {Object.entries(tags)
                .map(([name, value]) => `${name}=${value}`)
                .join(" ")}
            </td>
            <td>
              {values.map(({ field, value }) => (
                <span key={field} className={classes["value"]}>
                  <span className="sn-dim">{field}</span> <b className="sn-mono">{value}</b>
                </span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
