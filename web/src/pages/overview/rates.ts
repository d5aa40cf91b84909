/** Rates of counters: bytes since the machine started become bytes a second. */
import type { Points } from "@/charts";

/**
 * The difference of consecutive points, per second. There is no rate where the counter fell, for it began anew, and none
 * over a gap, for nobody knows when in it the bytes went.
 */
export function counterRate({ times, values }: Points, gapMs: number): Points {
  const length = Math.max(0, times.length - 1);
  const rateTimes = new Float64Array(length);
  const rates = new Float64Array(length);
  for (let row = 0; row < length; row += 1) {
    const elapsed = (times[row + 1] ?? NaN) - (times[row] ?? NaN);
    const grown = (values[row + 1] ?? NaN) - (values[row] ?? NaN);
    rateTimes[row] = times[row + 1] ?? NaN;
    rates[row] = grown >= 0 && elapsed > 0 && elapsed <= gapMs ? (grown * 1000) / elapsed : NaN;
  }
  return { times: rateTimes, values: rates };
}

/**
 * Adds series up at each time that one of them has. A series that misses a time adds nothing to it; where none has a
 * number, neither has the sum.
 */
export function sum(series: readonly Points[]): Points {
  const [only] = series;
  if (only !== undefined && series.length === 1) return only;
  const sums = new Map<number, number>();
  for (const { times, values } of series) {
    for (let row = 0; row < times.length; row += 1) {
      const time = times[row] ?? NaN;
      const value = values[row] ?? NaN;
      const before = sums.get(time);
      if (before === undefined || Number.isNaN(before)) sums.set(time, value);
      else if (!Number.isNaN(value)) sums.set(time, before + value);
    }
  }
  const times = Float64Array.from(sums.keys()).sort();
  return { times, values: times.map((time) => sums.get(time) ?? NaN) };
}
