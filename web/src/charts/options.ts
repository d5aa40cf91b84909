/**
 * The options of a uPlot: axes, grid, series and cursor in the palette of the moment. Nothing here knows React.
 */
import type uPlot from "uplot";
import type { Palette } from "@/theme/usePalette";
import type { Unit } from "./format";
import { timeLabels, valueLabels, valueSteps } from "./ticks";

/** How one series looks; its numbers come apart. */
export interface ChartSeries {
  readonly label: string;
  /** Position in the palette's series colours; null for a quiet line. */
  readonly color: number | null;
  /** Filled down to zero, or to the series below in a stack. */
  readonly fill?: boolean;
  readonly dash?: boolean;
}

export interface ChartLook {
  readonly series: readonly ChartSeries[];
  readonly stacked: boolean;
  readonly unit: Unit;
  /** The scale's ends where they are known; null leaves an end to the data. */
  readonly range: readonly [number | null, number | null];
  readonly syncKey: string | null;
  readonly axes: boolean;
}

export interface ChartEvents {
  /** The row under the cursor, or null. */
  onCursor: (row: number | null) => void;
  /** A span was dragged out. */
  onZoom: (from: number, to: number) => void;
  onReset: () => void;
}

const FONT = '11px "Inter Variable", system-ui, sans-serif';
/** A shorter drag is a click that slipped. */
const DRAG_PX = 8;
/** The width of a character of an axis label. */
const LABEL_PX = 6.5;
const POINTS_LIMIT = 20_000;

/** The colour of a series. */
export function colorOf(series: ChartSeries, palette: Palette): string {
  if (series.color === null) return palette.roles.dim;
  return palette.series[series.color % palette.series.length] ?? palette.roles.accent;
}

export function plotOptions(
  size: { width: number; height: number },
  look: ChartLook,
  palette: Palette,
  events: ChartEvents,
): uPlot.Options {
  const { series, stacked } = look;
  return {
    ...size,
    ms: 1,
    legend: { show: false },
    padding: look.axes ? [8, 8, 0, 0] : [2, 0, 2, 0],
    scales: {
      x: { time: true, range: (_u, min, max) => [min, max] },
      y: { range: (_u, min, max) => valueRange(min, max, look.range) },
    },
    axes: look.axes ? [timeAxis(palette), valueAxis(palette, look.unit)] : [{ show: false }, { show: false }],
    series: [{}, ...series.map((one) => seriesOptions(one, palette, stacked))],
    bands: stacked ? bands(series, palette) : [],
    cursor: {
      y: false,
      points: { size: 6, width: 2, fill: palette.roles.surface },
      drag: { x: true, y: false, setScale: false, dist: DRAG_PX },
      ...(look.syncKey === null ? {} : { sync: { key: look.syncKey, setSeries: false, scales: ["x", null] } }),
      bind: {
        dblclick: () => () => {
          events.onReset();
          return null;
        },
      },
    },
    hooks: {
      setCursor: [
        (u) => {
          events.onCursor(u.cursor.idx ?? null);
        },
      ],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width >= DRAG_PX) events.onZoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** The y scale: from zero where the data is near it, known ends kept, and never of no height. */
export function valueRange(
  min: number | null,
  max: number | null,
  known: readonly [number | null, number | null],
): [number, number] {
  const low = min ?? known[0] ?? 0;
  const high = max ?? known[1] ?? 1;
  const spread = high - low;
  const pad = spread === 0 ? Math.max(Math.abs(high) * 0.1, 1e-9) : spread * 0.08;
  const from = known[0] ?? (low >= 0 && low < spread * 1.5 ? 0 : low - pad);
  const to = known[1] ?? high + pad;
  return to > from ? [from, to] : [from, from + 1];
}

function timeAxis(palette: Palette): uPlot.Axis {
  return {
    font: FONT,
    stroke: palette.roles.dim,
    grid: { stroke: palette.roles.grid, width: 1 },
    ticks: { show: false },
    border: { show: true, stroke: palette.roles.hairline, width: 1 },
    gap: 4,
    size: 24,
    space: 60,
    values: (u, ticks, _axis, _space, step) =>
      timeLabels(ticks, step).map((label, index) => fitted(u, ticks[index] ?? 0, label)),
  };
}

/** No label rather than half of one at the right edge. */
function fitted(u: uPlot, tick: number, label: string): string {
  const room = u.width - u.bbox.left / devicePixelRatio - u.valToPos(tick, "x");
  return label.length * LABEL_PX > room * 2 ? "" : label;
}

function valueAxis(palette: Palette, unit: Unit): uPlot.Axis {
  const steps = valueSteps(unit);
  return {
    font: FONT,
    stroke: palette.roles.dim,
    grid: { stroke: palette.roles.grid, width: 1 },
    ticks: { show: false },
    gap: 6,
    space: 32,
    // Wide enough for its widest label, in steps, so that panels under each other keep one left edge.
    size: (_u, labels) => {
      const longest = (labels as string[] | null)?.reduce((length, label) => Math.max(length, label.length), 0) ?? 0;
      return longest <= 6 ? 48 : longest <= 9 ? 64 : 16 + longest * 7;
    },
    values: (_u, ticks) => valueLabels(ticks, unit),
    ...(steps === null ? {} : { incrs: steps }),
  };
}

function seriesOptions(series: ChartSeries, palette: Palette, stacked: boolean): uPlot.Series {
  const color = colorOf(series, palette);
  return {
    label: series.label,
    stroke: color,
    width: stacked ? 1 : 1.5,
    spanGaps: false,
    points: { show: true, size: 4, fill: color, filter: isolatedPoints },
    ...(series.dash === true ? { dash: [4, 4] } : {}),
    ...(series.fill === true && !stacked ? { fill: `${color}1f` } : {}),
    ...(stacked ? { fill: `${color}73` } : {}),
  };
}

/** Fills each layer of a stack down to the one below; the first goes down to zero by its own fill. */
function bands(series: readonly ChartSeries[], palette: Palette): uPlot.Band[] {
  return series
    .slice(1)
    .map((layer, index) => ({ series: [index + 2, index + 1], fill: `${colorOf(layer, palette)}73` }));
}

/** A point between two gaps has no line; it is drawn as a dot. */
function isolatedPoints(u: uPlot, seriesIndex: number): number[] {
  const values = u.data[seriesIndex];
  const { min, max } = u.scales["x"] ?? {};
  if (values === undefined || min === undefined || max === undefined) return [];
  const first = Math.max(0, u.valToIdx(min) - 1);
  const last = Math.min(values.length - 1, u.valToIdx(max) + 1);
  if (last - first > POINTS_LIMIT) return [];
  const found: number[] = [];
  for (let row = first; row <= last; row += 1) {
    if (typeof values[row] !== "number") continue;
    if (!touches(values, row, -1) && !touches(values, row, 1)) found.push(row);
  }
  return found;
}

function touches(values: ArrayLike<unknown>, row: number, direction: 1 | -1): boolean {
  for (let i = row + direction; i >= 0 && i < values.length; i += direction) {
    if (values[i] === null) return false;
    if (values[i] !== undefined) return true;
  }
  return false;
}
