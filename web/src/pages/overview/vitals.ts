/** The figures and curves of one machine, out of the overview's model. */
import { align, type Aligned, EMPTY, type Points } from "@/charts";
import type { LiveSeries } from "@/live";
import { outerInterfaces, wholeDisks } from "./devices";
import type { OverviewModel } from "./model";
import { counterRate, sum } from "./rates";

/** Vitals come once a second; a pause of more than this is a gap. */
export const GAP_MS = 3500;

export const CPU_MODES = ["user", "system", "iowait", "irq", "steal", "nice"] as const;
export type CpuMode = (typeof CPU_MODES)[number];

const MODE_FIELDS: Record<CpuMode, readonly string[]> = {
  user: ["usage_user"],
  system: ["usage_system"],
  iowait: ["usage_iowait"],
  irq: ["usage_irq", "usage_softirq"],
  steal: ["usage_steal"],
  nice: ["usage_nice"],
};

export interface Span {
  readonly from: number;
  readonly to: number;
}

const points = (series: LiveSeries): Points => ({ times: series.ring.times(), values: series.ring.values() });
const aligned = (series: readonly Points[], { from, to }: Span): Aligned =>
  series.length === 0 ? EMPTY : align(series, GAP_MS, from - GAP_MS, to + GAP_MS);

const isTotal = (series: LiveSeries) => series.tags["cpu"] === "cpu-total";

/** Time spent in each mode, in percent of all cores. */
export function cpuModes(model: OverviewModel, host: string, span: Span): Aligned {
  const modes = CPU_MODES.map((mode) =>
    sum(MODE_FIELDS[mode].flatMap((field) => model.of(host, "cpu", field).filter(isTotal).map(points))),
  );
  return aligned(modes, span);
}

/** Each core's busy time in percent. */
export function cpuCores(model: OverviewModel, host: string, span: Span): { names: string[]; data: Aligned } {
  const cores = model
    .of(host, "cpu", "usage_idle")
    .filter((series) => !isTotal(series))
    .sort((a, b) => coreNumber(a) - coreNumber(b));
  const busy = cores.map((series) => ({
    times: series.ring.times(),
    values: series.ring.values().map((idle) => 100 - idle),
  }));
  return { names: cores.map((series) => series.tags["cpu"] ?? ""), data: aligned(busy, span) };
}

function coreNumber(series: LiveSeries): number {
  return Number.parseInt((series.tags["cpu"] ?? "").replace(/^\D+/, ""), 10) || 0;
}

export const MEMORY_FIELDS = ["used", "buffered", "cached"] as const;

/** Bytes of memory in use, and what holds them. */
export function memory(model: OverviewModel, host: string, span: Span): Aligned {
  return aligned(
    MEMORY_FIELDS.map((field) => sum(model.of(host, "mem", field).map(points))),
    span,
  );
}

export interface Traffic {
  /** Every device there is. */
  readonly devices: string[];
  /** The ones that the curves add up. */
  readonly counted: string[];
  readonly data: Aligned;
}

/** Bytes a second read from and written to disks. */
export function diskTraffic(model: OverviewModel, host: string, span: Span, only: string | undefined): Traffic {
  return traffic(model, host, span, "diskio", "name", ["read_bytes", "write_bytes"], wholeDisks, only);
}

/** Bytes a second received and sent. */
export function netTraffic(model: OverviewModel, host: string, span: Span, only: string | undefined): Traffic {
  return traffic(model, host, span, "net", "interface", ["bytes_recv", "bytes_sent"], outerInterfaces, only);
}

function traffic(
  model: OverviewModel,
  host: string,
  span: Span,
  table: string,
  tag: string,
  fields: readonly string[],
  choose: (names: readonly string[]) => string[],
  only: string | undefined,
): Traffic {
  const [first = ""] = fields;
  const devices = [...new Set(model.of(host, table, first).map((series) => series.tags[tag] ?? ""))].sort();
  const counted = only !== undefined && devices.includes(only) ? [only] : choose(devices);
  const rates = fields.map((field) =>
    sum(
      model
        .of(host, table, field, (tags) => counted.includes(tags[tag] ?? ""))
        .map((series) => counterRate(points(series), GAP_MS)),
    ),
  );
  return { devices, counted, data: aligned(rates, span) };
}

export interface Figure {
  /** NaN while there is none. */
  readonly value: number;
  readonly time: number;
}

/** The newest value of a field of a machine. */
export function newest(model: OverviewModel, host: string, table: string, field: string): Figure {
  let found: LiveSeries | undefined;
  for (const series of model.of(host, table, field)) {
    if (table === "cpu" && !isTotal(series)) continue;
    if (found === undefined || series.ring.lastTime > found.ring.lastTime) found = series;
  }
  return { value: found?.ring.lastValue ?? NaN, time: found?.ring.lastTime ?? NaN };
}

export interface Disk extends Figure {
  readonly path: string;
  /** Bytes. */
  readonly free: number;
  readonly total: number;
}

/** File systems from the fullest to the emptiest; those that stopped reporting are left out. */
export function disksByFullness(model: OverviewModel, host: string): Disk[] {
  const disks = model.of(host, "disk", "used_percent").map((series): Disk => {
    const beside = (field: string) =>
      model.of(host, "disk", field).find((other) => other.key === series.key)?.ring.lastValue ?? NaN;
    return {
      path: series.tags["path"] ?? series.tags["device"] ?? series.key,
      value: series.ring.lastValue,
      time: series.ring.lastTime,
      free: beside("free"),
      total: beside("total"),
    };
  });
  const latest = Math.max(...disks.map((disk) => disk.time));
  return disks.filter((disk) => disk.time > latest - 60_000).sort((a, b) => b.value - a.value);
}
