/** A chart's newest rows and each series' extremes as a table that only screen readers see. */
import { memo, useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Aligned, Cell } from "./align";
import { spoken, type Unit } from "./format";
import type { ChartSeries } from "./options";
import { moment } from "./ticks";

export interface ChartTableProps {
  caption: string;
  data: Aligned;
  series: readonly ChartSeries[];
  unit: Unit;
}

const ROWS = 12;
/** A table that changes each second cannot be read. */
const REFRESH_MS = 10_000;

export function ChartTable({ caption, data, series, unit }: ChartTableProps) {
  const [seen, setSeen] = useState(data);
  const refresh = useEffectEvent(() => {
    setSeen(data);
  });
  // History that arrives behind the live points is no change of a second: it is shown at once.
  const size = Math.ceil(Math.log2(1 + data.times.length));
  const columns = data.columns.length;
  useEffect(() => {
    const soon = setTimeout(refresh, 0);
    const timer = setInterval(refresh, REFRESH_MS);
    return () => {
      clearTimeout(soon);
      clearInterval(timer);
    };
  }, [size, columns]);
  return <FixedTable caption={caption} data={seen} series={series} unit={unit} />;
}

/** Drawn again only when its data are others: the parent makes new descriptions of the same series each second. */
const FixedTable = memo(function FixedTable({ caption, data, series, unit }: ChartTableProps) {
  const { t } = useTranslation("charts");
  const text = (cell: Cell) => (typeof cell === "number" ? spoken(cell, unit) : t("none"));
  const rows: number[] = [];
  for (let row = data.times.length - 1; row >= 0 && rows.length < ROWS; row -= 1) {
    if (data.columns.some((column) => typeof column[row] === "number")) rows.push(row);
  }
  return (
    // A table does not shrink below its content; what hides it is a box around it.
    <div className="sn-hidden">
      <table>
        <caption>{t("table", { chart: caption, count: rows.length })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("time")}</th>
            {series.map((one) => (
              <th scope="col" key={one.label}>
                {one.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row}>
              <th scope="row">{moment(data.times[row] ?? NaN)}</th>
              {series.map((one, index) => (
                <td key={one.label}>{text(data.columns[index]?.[row])}</td>
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">{t("lowest")}</th>
            {series.map((one, index) => (
              <td key={one.label}>{text(extreme(data.columns[index], Math.min))}</td>
            ))}
          </tr>
          <tr>
            <th scope="row">{t("highest")}</th>
            {series.map((one, index) => (
              <td key={one.label}>{text(extreme(data.columns[index], Math.max))}</td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}, sameTable);

function sameTable(before: ChartTableProps, after: ChartTableProps): boolean {
  return (
    before.data === after.data &&
    before.caption === after.caption &&
    before.unit === after.unit &&
    before.series.length === after.series.length &&
    before.series.every((one, index) => one.label === after.series[index]?.label)
  );
}

function extreme(column: readonly Cell[] | undefined, choose: (a: number, b: number) => number): Cell {
  let found: number | null = null;
  for (const cell of column ?? []) {
    if (typeof cell === "number") found = found === null ? cell : choose(found, cell);
  }
  return found;
}
