/** What is known of a device: its state and counts, attributes, tags and place. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type Device, placesQuery } from "@/api/queries";
import { State } from "@/pages/devices/State";
import { Moment } from "@/shell/Moment";
import classes from "./device.module.css";

/** Properties of {@link Facts}. */
export interface FactsProps {
  device: Device;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

/** Lists of facts. */
export function Facts({ device, now }: FactsProps) {
  const { t, i18n } = useTranslation("devices");
  const { type, enabled, status, location, position, attributes, tags, created_at, writes_as } = device;
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <section className={`sn-panel ${classes["facts"] ?? ""}`} aria-label={t("state")}>
      <dl>
        <Fact name={t("state")}>
          <State enabled={enabled} />
        </Fact>
        <Fact name={t("type")}>{type === null ? <span className="sn-dim">{t("noType")}</span> : type.name}</Fact>
        {writes_as !== null && <Fact name={t("writesAs")}>{writes_as}</Fact>}
        <Fact name={t("seen")}>
          {status.last_seen_at === null ? (
            <span className="sn-dim">{t("never")}</span>
          ) : (
            <Moment time={new Date(status.last_seen_at)} now={now} />
          )}
        </Fact>
        <Fact name={t("rows")}>{number.format(status.rows)}</Fact>
        <Fact name={t("messages")}>{number.format(status.messages)}</Fact>
        <Fact name={t("errors")}>
          <span className={classes["errors"]} data-errors={status.errors > 0}>
            {number.format(status.errors)}
          </span>
        </Fact>
        <Fact name={t("created")}>
          <Moment time={new Date(created_at)} now={now} />
        </Fact>
        <Fact name={t("location")}>
          {location === null ? (
            <span className="sn-dim">{t("nothing")}</span>
          ) : (
            `${String(location.latitude)}, ${String(location.longitude)}`
          )}
        </Fact>
        <Fact name={t("plan")}>
          {position === null ? <span className="sn-dim">{t("nothing")}</span> : <OnPlan id={device.id} place={position.place} />}
        </Fact>
        <Fact name={t("attributes")}>
          <Labels values={attributes} />
        </Fact>
        <Fact name={t("tags")}>
          <Labels values={tags} />
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function OnPlan({ id, place }: { id: string; place: string }) {
  const { t } = useTranslation("devices");
  const places = useQuery(placesQuery);
  return (
    <Link to="/places/$id" params={{ id: place }} search={{ device: id }}>
      {places.data?.find((one) => one.id === place)?.name ?? t("somePlan")}
    </Link>
  );
}

function Labels({ values }: { values: Device["tags"] }) {
  const { t } = useTranslation("devices");
  const found = Object.entries(values);
  if (found.length === 0) return <span className="sn-dim">{t("nothing")}</span>;
  return (
    <ul className={classes["labels"]}>
      {found.map(([name, value]) => (
        <li key={name}>
          <span className="sn-dim">{name}</span> {value}
        </li>
      ))}
    </ul>
  );
}
