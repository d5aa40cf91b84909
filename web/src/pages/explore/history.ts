/** The statements that this browser ran lately, newest first; kept in this browser only. */

export interface Ran {
  readonly database: string;
  readonly sql: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

const KEY = "sensorium-queries";
const LIMIT = 30;
const LONGEST = 10_000;

export function readHistory(storage: Storage = localStorage): Ran[] {
  try {
    const parsed: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(parsed) ? parsed.filter(isRan).slice(0, LIMIT) : [];
  } catch {
    return [];
  }
}

/** Puts a statement on top; the same one is not kept twice. */
export function remember(ran: Ran, storage: Storage = localStorage): Ran[] {
  const others = readHistory(storage).filter((one) => one.sql !== ran.sql || one.database !== ran.database);
  const kept = ran.sql.length > LONGEST ? others : [ran, ...others].slice(0, LIMIT);
  try {
    storage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A full or forbidden storage costs the history, not the query.
  }
  return kept;
}

function isRan(value: unknown): value is Ran {
  if (typeof value !== "object" || value === null) return false;
  const { database, sql, time } = value as Partial<Record<keyof Ran, unknown>>;
  return typeof database === "string" && typeof sql === "string" && typeof time === "number";
}
