/**
 * Follows the messages of the broker: opens the stream, tells what comes, and opens it anew when it breaks. What another try
 * cannot help, such as a filter that is wrong, ends it.
 */
import { ApiError } from "@/api/client";
import type { MqttMessage } from "@/api/mqtt";
import { eventsOf, type ServerEvent } from "@/live/events";

/** Half of it is the shortest pause before another try; as much again is chance, so that not all tabs come back at once. */
const AGAIN_MS = 2_000;

/** Who is told. */
export interface Follower {
  onOpen: () => void;
  onMessage: (message: MqttMessage) => void;
  /** So many messages came faster than they were read. */
  onMissed: (count: number) => void;
  /** Null where the stream ended without a reason, as it does when the server stops. */
  onLost: (error: Error | null) => void;
}

/** What it needs of the world. */
export interface World {
  open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  /** Resolves after a pause, or when the signal says so. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
  random: () => number;
}

/** Starts; gives what stops it. */
export function follow(world: World, to: Follower): () => void {
  const ending = new AbortController();
  void run(world, to, ending.signal);
  return () => {
    ending.abort();
  };
}

async function run({ open, pause, random }: World, to: Follower, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let lost: Error | null = null;
    try {
      const stream = await open(signal);
      to.onOpen();
      for await (const event of eventsOf(stream)) {
        if (isOver(signal)) return;
        tell(event, to);
      }
    } catch (error) {
      lost = error instanceof Error ? error : new Error(String(error));
    }
    if (isOver(signal)) return;
    to.onLost(lost);
    if (lost instanceof ApiError && isFinal(lost)) return;
    await pause(AGAIN_MS * (0.5 + random()), signal);
  }
}

/** Asked anew each time: the types do not know that it changes while one waits. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Whether the same question gets the same refusal. */
function isFinal({ status }: ApiError): boolean {
  return status >= 400 && status < 500 && status !== 429;
}

function tell({ name, data }: ServerEvent, to: Follower): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return;
  }
  if (typeof parsed !== "object" || parsed === null) return;
  if (name === "missed" && "count" in parsed && typeof parsed.count === "number") to.onMissed(parsed.count);
  // Of a message only what everything else hangs on is looked at.
  if (name === "message" && "topic" in parsed && typeof parsed.topic === "string") to.onMessage(parsed as MqttMessage);
}

/** A pause by the clock. */
export function pauseByClock(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
