/** Makes lines out of a result: a time column, number columns, and optionally a column that splits them into series. */
import { align, type Aligned, EMPTY, type Points, usualGap } from "@/charts";
import { numbersOf, type Result, type ResultColumn } from "@/sql/result";

export interface ChartWish {
  readonly x?: string | undefined;
  readonly y?: readonly string[] | undefined;
  readonly split?: string | undefined;
}

/** Lines that share a scale. */
export interface ChartPanel {
  readonly labels: readonly string[];
  readonly data: Aligned;
  /** Series beyond the limit, which are not drawn. */
  readonly left: number;
}

export interface ChartShape {
  /** What was chosen, defaults filled in; null where the result has nothing to choose. */
  readonly x: string | null;
  readonly y: readonly string[];
  readonly split: string | null;
  /** What there is to choose from. */
  readonly times: readonly string[];
  readonly numbers: readonly string[];
  readonly tags: readonly string[];
  /** One for each group of columns of like size. */
  readonly panels: readonly ChartPanel[];
}

/** More lines than this cannot be told apart. */
export const SERIES_LIMIT = 24;
/** Columns whose sizes differ by more than this do not share a scale: the smaller would be a flat line. */
const LIKE_SIZE = 8;

export function shapeChart(result: Result, wish: ChartWish): ChartShape {
  const named = (kinds: readonly string[]) => result.columns.filter((column) => kinds.includes(column.kind));
  const times = named(["time"]);
  const numbers = named(["number", "boolean"]);
  const tags = named(["text"]);
  const x = times.find((column) => column.name === wish.x) ?? times[0];
  const wanted = numbers.filter((column) => wish.y?.includes(column.name) ?? false);
  const y = wanted.length > 0 ? wanted : numbers;
  const split = wish.split === undefined ? splitOf(tags, x) : tags.find((column) => column.name === wish.split);
  return {
    x: x?.name ?? null,
    y: y.map((column) => column.name),
    split: split?.name ?? null,
    times: times.map((column) => column.name),
    numbers: numbers.map((column) => column.name),
    tags: tags.map((column) => column.name),
    panels: x === undefined ? [] : likeSized(y).map((columns) => panelOf(x, columns, split)),
  };
}

function panelOf(x: ResultColumn, y: readonly ResultColumn[], split: ResultColumn | undefined): ChartPanel {
  const lines = linesOf(x, y, split);
  const drawn = lines.slice(0, SERIES_LIMIT);
  const points = drawn.map((line) => line.points);
  return {
    labels: drawn.map((line) => line.label),
    data: drawn.length === 0 ? EMPTY : align(points, usualGap(points, 1)),
    left: lines.length - drawn.length,
  };
}

/** Groups of columns whose largest values are of like size, in the order of the columns. */
function likeSized(columns: readonly ResultColumn[]): ResultColumn[][] {
  const groups: { size: number; columns: ResultColumn[] }[] = [];
  for (const column of columns) {
    const size = largest(column);
    const group = groups.find((one) => one.size / LIKE_SIZE <= size && size <= one.size * LIKE_SIZE);
    if (group === undefined) groups.push({ size, columns: [column] });
    else group.columns.push(column);
  }
  return groups.map((group) => group.columns);
}

function largest(column: ResultColumn): number {
  let size = 0;
  for (const number of numbersOf(column)) if (Math.abs(number) > size) size = Math.abs(number);
  return size;
}

/**
 * Without a wish a result is split only where it must be: where one time has several rows, by the first text column that
 * tells them apart best.
 */
function splitOf(tags: readonly ResultColumn[], x: ResultColumn | undefined): ResultColumn | undefined {
  if (x === undefined || tags.length === 0 || !hasRepeats(x)) return undefined;
  const counted = tags.map((column) => ({ column, distinct: new Set(Array.from(column.values)).size }));
  const useful = counted.filter(({ distinct }) => distinct > 1 && distinct <= SERIES_LIMIT * 4);
  return useful.sort((a, b) => b.distinct - a.distinct)[0]?.column;
}

function hasRepeats({ values }: ResultColumn): boolean {
  const seen = new Set<unknown>();
  for (let row = 0; row < values.length; row += 1) {
    if (seen.has(values[row])) return true;
    seen.add(values[row]);
  }
  return false;
}

interface Line {
  readonly label: string;
  readonly points: Points;
}

function linesOf(x: ResultColumn, y: readonly ResultColumn[], split: ResultColumn | undefined): Line[] {
  const times = numbersOf(x);
  const groups = new Map<string, number[]>();
  for (let row = 0; row < times.length; row += 1) {
    if (Number.isNaN(times[row])) continue;
    const name = split === undefined ? "" : String(split.values[row] ?? "");
    const rows = groups.get(name);
    if (rows === undefined) groups.set(name, [row]);
    else rows.push(row);
  }
  return [...groups].flatMap(([name, rows]) => {
    rows.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
    // Of rows with one time the last is drawn: a line has one value at a time.
    const kept = rows.filter((row, place) => times[row] !== times[rows[place + 1] ?? -1]);
    const at = Float64Array.from(kept, (row) => times[row] ?? NaN);
    return y.map((column): Line => {
      const numbers = numbersOf(column);
      const label = split === undefined ? column.name : y.length === 1 ? name : `${name} · ${column.name}`;
      return { label, points: { times: at, values: Float64Array.from(kept, (row) => numbers[row] ?? NaN) } };
    });
  });
}
