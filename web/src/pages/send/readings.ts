/**
 * Turns live frames into readings a person can follow: one per series and time, newest first.
 *
 * Limit: `KEPT` readings are kept; all are counted.
 */
import { type LiveFrame, parseSeriesKey, type Tags } from "@/live";

/** How many readings the page shows. */
export const KEPT = 20;

/** What arrived for one series at one time. */
export interface Reading {
  id: string;
  timeMs: number;
  table: string;
  tags: Tags;
  values: readonly { field: string; value: string }[];
}

/** What has arrived since the page was opened. */
export interface Arrivals {
  count: number;
  newest: readonly Reading[];
}

/** Nothing yet. */
export const NOTHING: Arrivals = { count: 0, newest: [] };

/** A table and the host that fills it; what arrives without a host is never background. */
export function origin(table: string, tags: Tags): string | null {
  const host = tags["host"];
  return host === undefined ? null : `${table}\u0000${host}`;
}

/** Tables of hosts that were being filled within `freshMs` before `nowMs`. */
export function backgroundOf(
  last: {
    now_ms: number;
    tables: readonly {
      table: string;
      series: readonly { tags: Record<string, string>; fields: Record<string, { time_ms: number }> }[];
    }[];
  },
  freshMs: number,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { table, series } of last.tables) {
    for (const { tags, fields } of series) {
      const from = origin(table, tags);
      const fresh = Object.values(fields).some(({ time_ms }) => time_ms >= last.now_ms - freshMs);
      if (from !== null && fresh) found.add(from);
    }
  }
  return found;
}

/** A number as it was sent, without the noise of binary fractions. */
export function shown(value: number, text: string | null): string {
  return text ?? String(Number(value.toPrecision(9)));
}

/** Adds the rows of a frame, except those that were arriving already. */
export function withFrame(
  arrivals: Arrivals,
  frame: LiveFrame,
  rows: readonly number[],
  background: ReadonlySet<string>,
): Arrivals {
  const fresh = new Map<string, Reading & { values: { field: string; value: string }[] }>();
  for (const row of rows) {
    const table = frame.table[row] ?? "";
    const series = frame.series[row] ?? "";
    const tags = parseSeriesKey(series);
    const from = origin(table, tags);
    if (from !== null && background.has(from)) continue;
    const timeMs = frame.time[row] ?? 0;
    const id = `${frame.seq} ${timeMs} ${table},${series}`;
    let reading = fresh.get(id);
    if (!reading) {
      reading = { id, timeMs, table, tags, values: [] };
      fresh.set(id, reading);
    }
    reading.values.push({ field: frame.field[row] ?? "", value: shown(frame.value[row] ?? Number.NaN, frame.text[row] ?? null) });
  }
  if (fresh.size === 0) return arrivals;
  return {
    count: arrivals.count + fresh.size,
    newest: [...[...fresh.values()].reverse(), ...arrivals.newest].slice(0, KEPT),
  };
}
