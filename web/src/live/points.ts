/**
 * The points of a view as ring buffers, filled by live frames and by history.
 *
 * Limits: `capacity` points a series and `maxSeries` series; a series beyond that is counted in `refused` and left out, so
 * that a device which invents tags cannot fill the tab's memory.
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
  /** Series that did not fit. */
  refused = 0;
  /** Grows with every change; for memoisation. */
  version = 0;

  constructor(limits: PointsLimits) {
    this.#limits = limits;
  }

  addFrame(frame: LiveFrame, rows: readonly number[]): void {
    for (const row of rows) {
      const series = this.series(frame.table[row] as string, frame.series[row] as string, frame.field[row] as string);
      if (series === null) continue;
      const time = frame.time[row] as number;
      const newest = !(time < series.ring.lastTime);
      series.ring.push(time, frame.value[row] as number);
      if (newest) series.text = frame.text[row] ?? null;
    }
    this.version += 1;
  }

  addHistory(table: string, key: string, field: string, times: ArrayLike<number>, values: ArrayLike<number>): void {
    this.series(table, key, field)?.ring.merge(times, values);
    this.version += 1;
  }

  /** The series of that name, made when it is new; null when there is no room. */
  series(table: string, key: string, field: string): LiveSeries | null {
    const name = `${table}\u0000${key}\u0000${field}`;
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (this.#series.size >= this.#limits.maxSeries) {
      this.refused += 1;
      return null;
    }
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

  /** The tables that points came from. */
  tables(): string[] {
    return [...this.#tables.keys()];
  }

  get size(): number {
    return this.#series.size;
  }

  clear(): void {
    this.#series.clear();
    this.#tables.clear();
    this.refused = 0;
    this.version += 1;
  }
}
