/**
 * The fallback where WebSockets do not get through: one server-sent event stream a subscription, once a second. The data
 * of an event is JSON with the columns of a binary frame (`frame.ts`); an event named `gap` says that points are missing.
 */
import type { FallbackStream } from "./client";
import type { LiveFrame } from "./frame";
import type { Subscription } from "./protocol";

/** The address of a subscription's stream. */
export function eventsAddress(subscription: Subscription): string {
  const query = new URLSearchParams({ db: subscription.database, table: subscription.table });
  if (subscription.fields !== undefined) query.set("fields", subscription.fields.join(","));
  if (subscription.tags !== undefined) query.set("tags", JSON.stringify(subscription.tags));
  return `/api/v1/live?${query.toString()}`;
}

/** The points of one event, or null when it is none that this version knows. */
export function frameOfEvent(id: number, data: string): LiveFrame | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const message = parsed as Record<string, unknown>;
  const { time, series, table, field, value, text } = message;
  if (![time, series, table, field, value, text].every(Array.isArray)) return null;
  const times = time as number[];
  return {
    seq: typeof message["seq"] === "number" ? message["seq"] : 0,
    length: times.length,
    subscription: times.map(() => id),
    time: times,
    series: series as string[],
    table: table as string[],
    field: field as string[],
    value: Float64Array.from(value as (number | null)[], (number) => number ?? NaN),
    text: text as (string | null)[],
  };
}

/** Opens a subscription's stream with the browser's `EventSource`, which reconnects by itself. */
export const openServerSentEvents: FallbackStream = (id, subscription, to) => {
  const source = new EventSource(eventsAddress(subscription));
  source.onopen = () => {
    to.onOpen();
  };
  source.onmessage = (event: MessageEvent) => {
    const frame = typeof event.data === "string" ? frameOfEvent(id, event.data) : null;
    if (frame !== null) to.onFrame(frame);
  };
  source.addEventListener("gap", () => {
    to.onGap();
  });
  source.onerror = () => {
    source.close();
    to.onFail();
  };
  return () => {
    source.close();
  };
};
