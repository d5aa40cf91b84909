/** Which rows of a long list are in the page. */
import type { Range } from "@tanstack/react-virtual";

/** Rows come and go so many at a time, so that most steps of scrolling change nothing in the page. */
const TOGETHER = 8;

/** The rows in sight, and the one with the focus with its neighbours, so that scrolling does not take the focus away. */
export function rowsToDraw({ startIndex, endIndex, overscan, count }: Range, focused: number | null): number[] {
  const first = Math.max(0, Math.floor((startIndex - overscan) / TOGETHER) * TOGETHER);
  const end = Math.min(count, Math.ceil((endIndex + 1 + overscan) / TOGETHER) * TOGETHER);
  const rows = Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  if (focused === null) return rows;
  const kept = [focused - 1, focused, focused + 1].filter((row) => row >= 0 && row < count);
  return [...new Set([...rows, ...kept])].sort((one, other) => one - other);
}

/** Which element of the page shows which row. */
export type Slots = ReadonlyMap<number, number>;

/** Rows that stay keep their element; those that come take the elements of those that go, which is faster than new ones. */
export function slotsFor(before: Slots, rows: readonly number[]): Slots {
  const staying = new Map(rows.flatMap((row) => {
    const slot = before.get(row);
    return slot === undefined ? [] : [[row, slot] as const];
  }));
  const taken = new Set(staying.values());
  let next = 0;
  return new Map(rows.map((row) => {
    const kept = staying.get(row);
    if (kept !== undefined) return [row, kept];
    while (taken.has(next)) next += 1;
    taken.add(next);
    return [row, next];
  }));
}

/** The things between two rows, both included, in whichever order they are given. */
export function between<Thing>(things: readonly Thing[], one: number, other: number): Thing[] {
  return things.slice(Math.min(one, other), Math.max(one, other) + 1);
}
