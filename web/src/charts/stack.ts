/** Adds columns up, so that each is drawn on top of the ones before it. */
import type { Aligned, Cell } from "./align";

/**
 * Cumulative columns. Where every column has a gap the stack has one too; where only some do, those count as nothing, so
 * that one missing mode does not tear a hole into the others.
 */
export function stack({ times, columns }: Aligned): Aligned {
  const sums = columns.map(() => new Array<Cell>(times.length).fill(null));
  for (let row = 0; row < times.length; row += 1) {
    if (columns.every((column) => typeof column[row] !== "number")) continue;
    let sum = 0;
    columns.forEach((column, index) => {
      sum += column[row] ?? 0;
      const target = sums[index];
      if (target !== undefined) target[row] = sum;
    });
  }
  return { times, columns: sums };
}
