/**
 * What the overview holds of a database: the charted fields of the machines' vitals for an hour, and the newest points of
 * every table for its card. Filled by the newest values, by history over SQL and by the live stream, in any order.
 *
 * Limits: 2,000 series of vitals with 4,000 points each at most; 5,000 series of cards with 120 points each.
 */
import type { LiveFrame, LiveSeries, Tags } from "@/live";
import { LivePoints, seriesKey } from "@/live";
import { numbersOf, type Result } from "@/sql/result";

/** The fields that are drawn or shown on a gauge, by table. */
export const CHARTED: Readonly<Record<string, readonly string[]>> = {
  cpu: [
    "usage_user",
    "usage_system",
    "usage_iowait",
    "usage_nice",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_idle",
  ],
  mem: ["total", "used", "buffered", "cached", "used_percent"],
  disk: ["total", "used", "free", "used_percent"],
  diskio: ["read_bytes", "write_bytes"],
  net: ["bytes_recv", "bytes_sent"],
  system: ["load1", "load5", "load15", "n_cpus", "uptime"],
};

/** Tables that the machine's own sampler writes. */
export const VITAL_TABLES: ReadonlySet<string> = new Set([
  ...Object.keys(CHARTED),
  "swap",
  "processes",
  "procstat",
  "pressure",
  "temp",
  "kernel",
]);

/** The newest value of a field, as `/last` gives it. */
export interface LastField {
  time_ms: number;
  value: number | string | boolean;
}
/** One table of the answer of `/last`. */
export interface LastTable {
  table: string;
  series_total: number;
  series: readonly { tags: Readonly<Record<string, string>>; fields: Readonly<Record<string, LastField>> }[];
}

/** Samples come once a second. */
const SAMPLES_STOPPED_MS = 2_000;

export class OverviewModel {
  readonly vitals = new LivePoints({ capacity: 4000, maxSeries: 2000 });
  readonly cards = new LivePoints({ capacity: 120, maxSeries: 5000 });
  /** How many series each table has, as far as the server told. */
  readonly seriesTotal = new Map<string, number>();
  /** The server's clock minus this device's, by the newest sample seen; NaN before the first. */
  #ahead = NaN;
  #latest = -Infinity;

  /** Adds live points; true when some of them are of what is charted. */
  addFrame(frame: LiveFrame, rows: readonly number[], now: number): boolean {
    this.cards.addFrame(frame, rows);
    const charted = rows.filter((row) => isCharted(frame.table[row] ?? "", frame.field[row] ?? ""));
    if (charted.length > 0) this.vitals.addFrame(frame, charted);
    for (const row of charted) this.#sampled(frame.time[row] ?? NaN, now);
    return charted.length > 0;
  }

  addLast(tables: readonly LastTable[], now: number): void {
    for (const { table, series_total: total, series } of tables) {
      this.seriesTotal.set(table, total);
      for (const { tags, fields } of series) {
        const key = seriesKey(tags);
        for (const [field, { time_ms: time, value }] of Object.entries(fields)) {
          const number = typeof value === "string" ? NaN : Number(value);
          this.cards.addHistory(table, key, field, [time], [number]);
          const card = this.cards.series(table, key, field);
          if (typeof value === "string" && card.ring.lastTime === time) card.text = value;
          if (isCharted(table, field)) {
            this.vitals.addHistory(table, key, field, [time], [number]);
            this.#sampled(time, now);
          }
        }
      }
    }
  }

  /** Adds the answer to a question for a table's history: `time`, tags and fields as columns. */
  addHistory(table: string, tags: readonly string[], fields: readonly string[], result: Result): void {
    const column = (name: string) => result.columns.find((one) => one.name === name);
    const time = column("time");
    if (time === undefined) return;
    const times = numbersOf(time);
    const tagColumns = tags.flatMap((name) => column(name) ?? []);
    const rowsOf = new Map<string, number[]>();
    for (let row = 0; row < times.length; row += 1) {
      const present: Record<string, string> = {};
      for (const { name, values } of tagColumns) {
        const value = values[row];
        if (typeof value === "string") present[name] = value;
      }
      const key = seriesKey(present);
      const rows = rowsOf.get(key);
      if (rows === undefined) rowsOf.set(key, [row]);
      else rows.push(row);
    }
    for (const field of fields) {
      const values = column(field);
      if (values === undefined) continue;
      const numbers = numbersOf(values);
      for (const [key, rows] of rowsOf) {
        this.vitals.addHistory(table, key, field, pick(times, rows), pick(numbers, rows));
      }
    }
  }

  /** The machines that report vitals; the one that reported last is first. */
  hosts(): string[] {
    const newest = new Map<string, number>();
    for (const table of ["cpu", "mem", "system"]) {
      for (const { tags, ring } of this.vitals.select(table)) {
        const host = tags["host"] ?? "";
        newest.set(host, Math.max(newest.get(host) ?? -Infinity, ring.lastTime));
      }
    }
    // Machines that report at the same time must not swap places each second.
    const coarse = (time: number) => Math.floor(time / 60_000);
    return [...newest].sort(([a, x], [b, y]) => coarse(y) - coarse(x) || (a < b ? -1 : 1)).map(([host]) => host);
  }

  /** The server's clock minus this device's, in milliseconds; 0 as long as no sample tells it. */
  get skewMs(): number {
    return Number.isNaN(this.#ahead) ? 0 : this.#ahead;
  }

  /** The server's present, as far as samples tell it. */
  present(now: number): number {
    return Math.max(this.#latest, now + this.skewMs);
  }

  /** The newest moment of the time axis: the newest sample while they come, so that a graph moves once for each. */
  axisEnd(now: number): number {
    const present = this.present(now);
    return present - this.#latest > SAMPLES_STOPPED_MS ? present : this.#latest;
  }

  /** Series of a machine. */
  of(host: string, table: string, field: string, tags?: (tags: Tags) => boolean): LiveSeries[] {
    return this.vitals.select(table, field, (own) => (own["host"] ?? "") === host && (tags === undefined || tags(own)));
  }

  /**
   * A sample cannot come from the future, so the largest difference seen is the nearest to the truth. A sample that is
   * older than a minute says nothing about the clock.
   */
  #sampled(time: number, now: number): void {
    const ahead = time - now;
    if (Number.isNaN(ahead) || ahead < -60_000) return;
    this.#latest = Math.max(this.#latest, time);
    this.#ahead = Number.isNaN(this.#ahead) ? ahead : Math.max(this.#ahead, ahead);
  }
}

function isCharted(table: string, field: string): boolean {
  return CHARTED[table]?.includes(field) ?? false;
}

function pick(from: Float64Array, rows: readonly number[]): Float64Array {
  return rows.length === from.length ? from : Float64Array.from(rows, (row) => from[row] ?? NaN);
}
