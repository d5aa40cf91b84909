/** The devices: a table on a desktop, one card per device on a phone. */
import { Link } from "@tanstack/react-router";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import classes from "./devices.module.css";
import { type DevicesFilters, type Sort, sortedBy } from "./search";
import { State } from "./State";

/** Properties of {@link DeviceTable}. */
export interface DeviceTableProps {
  devices: readonly Device[];
  filters: DevicesFilters;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  isStale: boolean;
}

/** A page of them. */
export function DeviceTable({ devices, filters, now, isStale }: DeviceTableProps) {
  const { t, i18n } = useTranslation("devices");
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <table className={`sn-panel ${table["table"] ?? ""} ${classes["devices"] ?? ""}`} aria-busy={isStale}>
      <caption className="sn-hidden">{t("list")}</caption>
      <thead>
        <tr>
          <Head by="name" filters={filters} label={t("name")} />
          <Head by="type" filters={filters} label={t("type")} />
          <th scope="col">{t("state")}</th>
          <Head by="last_seen" filters={filters} label={t("seen")} />
          <th scope="col" className={classes["count"]}>
            {t("rows")}
          </th>
          <th scope="col" className={classes["count"]}>
            {t("errors")}
          </th>
        </tr>
      </thead>
      <tbody>
        {devices.map(({ id, name, type, enabled, status }) => (
          <tr key={id}>
            <th scope="row">
              <Link to="/devices/$id" params={{ id }}>
                {name}
              </Link>
            </th>
            <td data-label={t("type")} className={classes["words"]}>
              {type === null ? <span className="sn-dim">{t("noType")}</span> : type.name}
            </td>
            <td data-label={t("state")}>
              <State enabled={enabled} />
            </td>
            <td data-label={t("seen")}>
              {status.last_seen_at === null ? (
                <span className="sn-dim">{t("never")}</span>
              ) : (
                <Moment time={new Date(status.last_seen_at)} now={now} />
              )}
            </td>
            <td data-label={t("rows")} className={classes["count"]}>
              {number.format(status.rows)}
            </td>
            <td data-label={t("errors")} className={classes["count"]} data-errors={status.errors > 0}>
              {number.format(status.errors)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Head({ by, filters, label }: { by: Sort; filters: DevicesFilters; label: string }) {
  const { sort = "name", order = "asc" } = filters;
  const Icon = order === "asc" ? ArrowUp : ArrowDown;
  return (
    <th scope="col" {...(sort === by ? { "aria-sort": order === "asc" ? "ascending" : "descending" } : {})}>
      <Link to="/devices" search={sortedBy(filters, by)} className={classes["head"]}>
        {label}
        {sort === by && <Icon size={12} aria-hidden />}
      </Link>
    </th>
  );
}
