/** The newest values of a device in the table of its type, with units. */
import { NativeSelect, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { databasesQuery, type DeviceType, type DeviceWithValues, tablesQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Moment } from "@/shell/Moment";
import classes from "./device.module.css";
import { type LastSeries, seriesOf } from "./values";

/** Properties of {@link LastValues}. */
export interface LastValuesProps {
  device: DeviceWithValues;
  type: DeviceType | undefined;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  /** The database of the address. */
  database: string | undefined;
  /** Whether who looks may look into databases; guests see the values alone. */
  mayQuery: boolean;
}

/** The section; one table a series. */
export function LastValues({ device, type, now, database = "main", mayQuery }: LastValuesProps) {
  const { t } = useTranslation("devices");
  const navigate = useNavigate({ from: "/devices/$id" });
  const databases = useQuery({ ...databasesQuery, enabled: mayQuery });
  const { last } = device;
  const tables = useQuery({ ...tablesQuery(database), enabled: mayQuery && last !== null });
  const columns = tables.data?.find(({ name }) => name === last?.table)?.columns ?? [];
  const tags = new Set(["device", ...columns.filter(({ kind }) => kind === "tag").map(({ name }) => name)]);
  const names = (databases.data ?? []).map(({ name }) => name);
  return (
    <section className={classes["section"]} aria-labelledby="device-values">
      <div className={classes["sectionHead"]}>
        <Title order={2} id="device-values">
          {t("values")}
        </Title>
        {mayQuery && (
          <NativeSelect
            aria-label={t("database")}
            value={database}
            data={names.includes(database) ? names : [database, ...names]}
            onChange={(event) => {
              const chosen = event.currentTarget.value;
              void navigate({ search: chosen === "main" ? {} : { db: chosen }, replace: true });
            }}
          />
        )}
      </div>
      <FormFailure error={databases.error ?? tables.error} />
      {last === null ? (
        <Text c="dimmed">{t(device.type === null ? "valuesNoType" : "valuesNone")}</Text>
      ) : (
        <div className={classes["series"]}>
          {last.series.map((row, index) => (
            <Series key={index} series={seriesOf(row, type, tags)} table={last.table} now={now} />
          ))}
        </div>
      )}
    </section>
  );
}

function Series({ series, table, now }: { series: LastSeries; table: string; now: number }) {
  const { t, i18n } = useTranslation("devices");
  const number = new Intl.NumberFormat(i18n.language, { maximumSignificantDigits: 12 });
  return (
    <table className={`sn-panel ${classes["values"] ?? ""}`}>
      <caption>
        {table}
        {series.tags.map(([name, value]) => (
          <span key={name} className="sn-dim">
            {" · "}
            {name} {value}
          </span>
        ))}
        {series.time !== null && (
          <span className="sn-dim">
            {" · "}
            <Moment time={series.time} now={now} />
          </span>
        )}
      </caption>
      <thead className="sn-hidden">
        <tr>
          <th scope="col">{t("measure")}</th>
          <th scope="col">{t("value")}</th>
        </tr>
      </thead>
      <tbody>
        {series.values.map(({ field, name, value, unit }) => (
          <tr key={field}>
            <th scope="row">{name}</th>
            <td>
              {typeof value === "number" ? number.format(value) : String(value)}
              {unit !== "" && <span className="sn-dim"> {unit}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
