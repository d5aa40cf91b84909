/** The words of `/ws/live`: JSON text both ways, see `docs/live.md`; points come as binary frames (`frame.ts`). */

export interface Subscription {
  readonly database: string;
  /** A table's name, or `*` for every table. */
  readonly table: string;
  /** Only series whose tags equal these. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Only these fields; all of them when absent. */
  readonly fields?: readonly string[];
}

/** A point of the stream to continue from. */
export interface ResumePoint {
  readonly epoch: string;
  readonly seq: number;
}

export type ClientMessage =
  | ({ type: "subscribe"; id: number; resume?: ResumePoint } & Subscription)
  | { type: "unsubscribe"; id: number }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "rate"; hz: number };

export type ServerMessage =
  | { type: "hello"; epoch: string; seq: number; hz: number }
  | { type: "subscribed"; id: number; seq: number; replayed: number; gap: boolean }
  | { type: "error"; id?: number; code: string; error: string }
  | { type: "degraded"; hz: number; coalesced: number }
  | { type: "recovered"; hz: number };

/** A server message, or null for what this version does not know: newer servers may say more. */
export function parseServerMessage(text: string): ServerMessage | null {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null) return null;
  const m = message as Record<string, unknown>;
  const number = (key: string) => typeof m[key] === "number";
  const string = (key: string) => typeof m[key] === "string";
  switch (m["type"]) {
    case "hello":
      return string("epoch") && number("seq") && number("hz") ? (m as ServerMessage) : null;
    case "subscribed":
      return number("id") && number("seq") && typeof m["gap"] === "boolean" ? (m as ServerMessage) : null;
    case "error":
      return string("code") && string("error") ? (m as ServerMessage) : null;
    case "degraded":
    case "recovered":
      return number("hz") ? (m as ServerMessage) : null;
    default:
      return null;
  }
}

/** One text per set of wishes, to tell equal subscriptions. */
export function subscriptionKey(subscription: Subscription): string {
  const tags = Object.entries(subscription.tags ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const fields = subscription.fields === undefined ? null : [...subscription.fields].sort();
  return JSON.stringify([subscription.database, subscription.table, tags, fields]);
}
