/**
 * The points of a view as ring buffers, filled by live frames and by history.
 *
 * Limits: `capacity` points a series and `maxSeries` series. When there is no more room, the tenth of the series that have
 * been silent for longest make it, so that neither processes that come and go nor a device that invents tags fill the
 * tab's memory; `evicted` counts them.
 */
import type { LiveFrame } from "./frame";
import { TimeRing } from "./ring";
import { parseSeriesKey, type Tags } from "./series";

export interface LiveSeries {
  readonly table: string;
  /** Canonical series key. */
  readonly key: string;
  readonly tags: Tags;
  readonly field: string;
  readonly ring: TimeRing;
  /** The newest text of a string field. */
  text: string | null;
}

export interface PointsLimits {
  readonly capacity: number;
  readonly maxSeries: number;
}

export class LivePoints {
  readonly #limits: PointsLimits;
  readonly #series = new Map<string, LiveSeries>();
  readonly #tables = new Map<string, LiveSeries[]>();
  /** The version with which a table changed last. */
  readonly #changed = new Map<string, number>();
  /** Series that made room for others. */
  evicted = 0;
  /** Grows with every change; for memoisation. */
  version = 0;

  constructor(limits: PointsLimits) {
    this.#limits = limits;
  }

  addFrame(frame: LiveFrame, rows: readonly number[]): void {
    this.version += 1;
    for (const row of rows) {
      const series = this.series(frame.table[row] as string, frame.series[row] as string, frame.field[row] as string);
      this.#changed.set(series.table, this.version);
      const time = frame.time[row] as number;
      const newest = !(time < series.ring.lastTime);
      series.ring.push(time, frame.value[row] as number);
      if (newest) series.text = frame.text[row] ?? null;
    }
  }

  addHistory(table: string, key: string, field: string, times: ArrayLike<number>, values: ArrayLike<number>): void {
    this.version += 1;
    this.series(table, key, field).ring.merge(times, values);
    this.#changed.set(table, this.version);
  }

  /** The series of that name, made when it is new. */
  series(table: string, key: string, field: string): LiveSeries {
    const name = nameOf(table, key, field);
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#limits.maxSeries) this.#evict();
    const made = {
      table,
      key,
      field,
      tags: parseSeriesKey(key),
      ring: new TimeRing(this.#limits.capacity),
      text: null,
    };
    this.#series.set(name, made);
    const siblings = this.#tables.get(table);
    if (siblings === undefined) this.#tables.set(table, [made]);
    else siblings.push(made);
    return made;
  }

  /** The series of a table, and of one field when it is given, that satisfy the wish about tags. */
  select(table: string, field?: string, tags?: (tags: Tags) => boolean): LiveSeries[] {
    return (this.#tables.get(table) ?? []).filter(
      (series) => (field === undefined || series.field === field) && (tags === undefined || tags(series.tags)),
    );
  }

  /** Grows with every change of one table; 0 before the first. */
  versionOf(table: string): number {
    return this.#changed.get(table) ?? 0;
  }

  /** The tables that points came from. */
  tables(): string[] {
    return [...this.#tables.keys()];
  }

  get size(): number {
    return this.#series.size;
  }

  #evict(): void {
    const silent = [...this.#series.values()].sort((a, b) => newestOf(a) - newestOf(b));
    for (const { table, key, field } of silent.slice(0, Math.ceil(this.#limits.maxSeries / 10))) {
      this.#series.delete(nameOf(table, key, field));
      this.#changed.set(table, this.version);
      this.evicted += 1;
    }
    this.#tables.clear();
    for (const series of this.#series.values()) {
      const siblings = this.#tables.get(series.table);
      if (siblings === undefined) this.#tables.set(series.table, [series]);
      else siblings.push(series);
    }
    for (const table of this.#changed.keys()) if (!this.#tables.has(table)) this.#changed.delete(table);
  }
}

function nameOf(table: string, key: string, field: string): string {
  return `${table}\u0000${key}\u0000${field}`;
}

function newestOf({ ring }: LiveSeries): number {
  return ring.length === 0 ? -Infinity : ring.lastTime;
}
