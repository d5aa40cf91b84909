/** What of the overview is kept in its address. */

/** The lengths of history to choose from, in minutes. */
export const RANGES = [5, 15, 60] as const;
export type Range = (typeof RANGES)[number];

/** Search parameters of the overview; what is absent has its default. */
export interface OverviewSearch {
  /** Minutes of history. */
  range?: Range;
  /** The database shown; the first one by default. */
  db?: string;
  /** The machine whose vitals are shown; the one that reported last by default. */
  host?: string;
  /** The CPU by core instead of by mode. */
  cpu?: "cores";
  /** One disk instead of all. */
  disk?: string;
  /** One network interface instead of all. */
  nic?: string;
  /** A span of time that was zoomed into, in milliseconds since the epoch. */
  from?: number;
  to?: number;
}

export const DEFAULT_RANGE: Range = 5;

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): OverviewSearch {
  const range = RANGES.find((minutes) => minutes === Number(search["range"]));
  const from = Number(search["from"] ?? NaN);
  const to = Number(search["to"] ?? NaN);
  return {
    ...(range === undefined || range === DEFAULT_RANGE ? {} : { range }),
    ...text(search, "db"),
    ...text(search, "host"),
    ...(search["cpu"] === "cores" ? { cpu: "cores" as const } : {}),
    ...text(search, "disk"),
    ...text(search, "nic"),
    ...(Number.isFinite(from) && Number.isFinite(to) && to > from ? { from, to } : {}),
  };
}

function text<K extends string>(search: Record<string, unknown>, key: K): Partial<Record<K, string>> {
  const value = search[key];
  if (typeof value !== "string" && typeof value !== "number") return {};
  return { [key]: String(value) } as Partial<Record<K, string>>;
}
