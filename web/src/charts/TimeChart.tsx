/**
 * A chart of values over time. Drag or pinch zooms, double click or double tap shows everything again, the cursor is
 * shared between charts of one `syncKey`, and gaps stay gaps.
 *
 * Without a mouse: the plot is a slider whose value is the row under the cursor, read out with time and values; a table of
 * the newest rows, seen by screen readers only, stands beside it.
 */
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import "uplot/dist/uPlot.min.css";
import { usePalette } from "@/theme/usePalette";
import { type Aligned, type Cell } from "./align";
import { ChartTable } from "./ChartTable";
import { spoken, type Unit } from "./format";
import { keyTarget, zoomed } from "./keyboard";
import { Legend } from "./Legend";
import type { ChartSeries } from "./options";
import { stack } from "./stack";
import classes from "./TimeChart.module.css";
import { moment } from "./ticks";
import { usePlot } from "./usePlot";

export interface TimeChartProps {
  /** What the chart shows, for people who do not see it. */
  label: string;
  data: Aligned;
  /** As many as `data` has columns. */
  series: readonly ChartSeries[];
  unit: Unit;
  height: number;
  stacked?: boolean;
  /** Known ends of the value scale, such as 0 and 100 for percent. */
  range?: readonly [number | null, number | null];
  /** The time shown; all of the data when absent. */
  span?: readonly [number, number] | null;
  /** Charts with the same key share the cursor. */
  syncKey?: string;
  /** Takes the zoom over, so that several charts zoom together; null asks for everything. */
  onZoom?: (span: [number, number] | null) => void;
  /** Milliseconds until the end of the data counts as old: the legend then fades. */
  legend?: boolean;
}

const FREE: readonly [null, null] = [null, null];

export function TimeChart(props: TimeChartProps) {
  const { label, data, series, unit, height, stacked = false, range = FREE, syncKey, legend = true } = props;
  const { t } = useTranslation("charts");
  const palette = usePalette();
  const place = useRef<HTMLDivElement>(null);
  const [row, setRow] = useState<number | null>(null);
  const [ownSpan, setOwnSpan] = useState<[number, number] | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());

  const shown = useMemo(() => series.map((one) => !hidden.has(one.label)), [series, hidden]);
  const plotted = useMemo(() => {
    const visible = { times: data.times, columns: data.columns.filter((_, index) => shown[index] ?? true) };
    return stacked ? stack(visible) : visible;
  }, [data, shown, stacked]);
  const look = {
    series: series.filter((_, index) => shown[index] ?? true),
    stacked,
    unit,
    range,
    syncKey: syncKey ?? null,
    axes: true,
  };
  const zoom = (span: [number, number] | null) => {
    if (props.onZoom === undefined) setOwnSpan(span);
    else props.onZoom(span);
  };
  const plot = usePlot(place, look, palette, height, plotted, ownSpan ?? props.span ?? null, {
    onCursor: setRow,
    onZoom: (from, to) => {
      zoom([from, to]);
    },
    onReset: () => {
      zoom(null);
    },
  });

  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next.size === series.length ? new Set() : next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const span = plot.span();
    const rows = plot.rows();
    if (span === null || rows === null) return;
    const target = keyTarget(event.key, event.shiftKey, row, rows[0], rows[1]);
    if (target === null) return;
    event.preventDefault();
    const around = data.times[row ?? rows[1]] ?? span[1];
    if (target === "reset") {
      plot.point(null);
      zoom(null);
    } else if (target === "zoomIn") zoom(zoomed(span[0], span[1], around, 0.5));
    else if (target === "zoomOut") zoom(zoomed(span[0], span[1], around, 2));
    else plot.point(target.row);
  };

  const last = data.times.length - 1;
  const at = row !== null && row <= last ? row : null;
  return (
    <div className={classes["chart"]}>
      <div
        ref={place}
        className={classes["plot"]}
        style={{ height }}
        role="slider"
        tabIndex={0}
        aria-label={t("cursor", { chart: label })}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, at ?? last)}
        aria-valuetext={rowText(data, series, unit, at ?? last, t("none"))}
        onKeyDown={onKeyDown}
        onBlur={() => {
          plot.point(null);
        }}
      />
      {legend && <Legend data={data} series={series} unit={unit} row={at} shown={shown} onToggle={toggle} />}
      <ChartTable caption={label} data={data} series={series} unit={unit} />
    </div>
  );
}

function rowText(data: Aligned, series: readonly ChartSeries[], unit: Unit, row: number, none: string): string {
  const time = data.times[row];
  if (time === undefined) return none;
  const values = series.map((one, index) => `${one.label} ${cellText(data.columns[index]?.[row], unit, none)}`);
  return `${moment(time)}: ${values.join(", ")}`;
}

function cellText(cell: Cell, unit: Unit, none: string): string {
  return typeof cell === "number" ? spoken(cell, unit) : none;
}
