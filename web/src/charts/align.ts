/**
 * Brings series with times of their own onto one time axis, as uPlot wants it.
 *
 * In the columns `undefined` means "this series has no point here" and is drawn over; `null` means "here is a gap" and is
 * never drawn over. A gap is a step between two points of a series longer than `gapMs`, or a point without a number.
 */

export interface Points {
  /** Ascending milliseconds since the epoch. */
  readonly times: ArrayLike<number>;
  /** Beside `times`; NaN for a point without a number. */
  readonly values: ArrayLike<number>;
}

export type Cell = number | null | undefined;

export interface Aligned {
  readonly times: number[];
  /** One column a series, each as long as `times`. */
  readonly columns: Cell[][];
}

export const EMPTY: Aligned = { times: [], columns: [] };

export function align(series: readonly Points[], gapMs: number, from = -Infinity, to = Infinity): Aligned {
  const next = series.map((points) => firstFrom(points.times, from));
  return alignShared(series, next, gapMs, to) ?? alignMixed(series, next, gapMs, to);
}

/** The usual case, without a search in each row: all series have the same times. Null when they do not. */
function alignShared(series: readonly Points[], first: readonly number[], gapMs: number, to: number): Aligned | null {
  const shared = series[0]?.times ?? [];
  const start = first[0] ?? 0;
  const end = firstFrom(shared, to) + (shared[firstFrom(shared, to)] === to ? 1 : 0);
  for (let index = 1; index < series.length; index += 1) {
    const other = series[index]?.times ?? [];
    if (other === shared && first[index] === start) continue;
    const shift = (first[index] ?? 0) - start;
    if (other.length - shared.length !== shift) return null;
    for (let row = start; row < end; row += 1) if (other[row + shift] !== shared[row]) return null;
  }
  const times: number[] = [];
  const columns: Cell[][] = series.map(() => []);
  let previous = NaN;
  for (let row = start; row < end; row += 1) {
    const time = shared[row] as number;
    if (time - previous > gapMs) {
      times.push((previous + time) / 2);
      for (const column of columns) column.push(null);
    }
    times.push(time);
    previous = time;
    for (let index = 0; index < series.length; index += 1) {
      const value = series[index]?.values[row + (first[index] ?? 0) - start] as number;
      columns[index]?.push(value === value ? value : null);
    }
  }
  return { times, columns };
}

function alignMixed(series: readonly Points[], next: number[], gapMs: number, to: number): Aligned {
  const times: number[] = [];
  const columns: Cell[][] = series.map(() => []);
  const last = series.map(() => NaN);
  for (;;) {
    const time = earliest(series, next);
    if (time === null || time > to) break;
    const previous = times.at(-1);
    // A step that is too long for every series needs a row of its own, for there is none in between to hold the null.
    if (previous !== undefined && time - previous > gapMs) {
      times.push((previous + time) / 2);
      for (const column of columns) column.push(null);
    }
    times.push(time);
    series.forEach((points, index) => {
      const column = columns[index];
      const at = next[index];
      if (column === undefined || at === undefined) return;
      if (points.times[at] !== time) {
        const since = time - (last[index] ?? NaN);
        column.push(since > gapMs ? null : undefined);
        return;
      }
      const row = times.length - 2;
      if (time - (last[index] ?? NaN) > gapMs && column[row] === undefined) column[row] = null;
      const value = points.values[at] ?? NaN;
      column.push(Number.isNaN(value) ? null : value);
      last[index] = time;
      next[index] = at + 1;
    });
  }
  return { times, columns };
}

/** The step above which a line is broken: three times the usual step, and at least `minimumMs`. */
export function usualGap(series: readonly Points[], minimumMs: number): number {
  const steps: number[] = [];
  for (const { times } of series) {
    const stride = Math.max(1, Math.floor(times.length / 500));
    for (let i = stride; i < times.length; i += stride) {
      const step = (times[i] ?? 0) - (times[i - 1] ?? 0);
      if (step > 0) steps.push(step);
    }
  }
  steps.sort((a, b) => a - b);
  return Math.max(minimumMs, 3 * (steps[Math.floor(steps.length / 2)] ?? 0));
}

function firstFrom(times: ArrayLike<number>, from: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

function earliest(series: readonly Points[], next: readonly number[]): number | null {
  let found: number | null = null;
  for (let index = 0; index < series.length; index += 1) {
    const time = series[index]?.times[next[index] ?? 0];
    if (time !== undefined && (found === null || time < found)) found = time;
  }
  return found;
}
