/**
 * The live connection of a tab: one WebSocket, any number of subscriptions multiplexed over it.
 *
 * Invariants:
 * - equal subscriptions share one id on the wire;
 * - after a lost connection every subscription is asked for again from the last sequence number received; where the server
 *   can no longer replay, listeners are told by `onGap` and fetch the missing points over HTTP;
 * - a hidden tab pauses the stream after a moment;
 * - where WebSockets do not get through, points come as server-sent events once a second (`sse.ts`), and the WebSocket is
 *   tried again from time to time.
 *
 * No framework and no clock of its own: sockets, randomness and visibility come in, timers are the global ones.
 */
import { backoffMs } from "./backoff";
import { decodeFrame, rowsBySubscription, type LiveFrame } from "./frame";
import { parseServerMessage, subscriptionKey, type ClientMessage, type Subscription } from "./protocol";
import { INITIAL_STATE, type LiveState } from "./state";

/** What the client needs of a `WebSocket`. */
export interface SocketLike {
  binaryType: string;
  onopen: ((event: Event) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  send(text: string): void;
  close(): void;
}

/** Streams one subscription without a WebSocket; returns what stops it. */
export type FallbackStream = (
  id: number,
  subscription: Subscription,
  to: { onOpen: () => void; onFrame: (frame: LiveFrame) => void; onGap: () => void; onFail: () => void },
) => () => void;

export interface LiveClientOptions {
  openSocket: () => SocketLike;
  openFallback: FallbackStream | null;
  random: () => number;
  isHidden: () => boolean;
  isOnline: () => boolean;
}

export interface LiveListener {
  /** New points: `rows` are the row numbers in `frame` that belong to this subscription. */
  onFrame(frame: LiveFrame, rows: readonly number[]): void;
  /** The stream starts here or could not be replayed in full: earlier points are to be fetched over HTTP. */
  onGap?(): void;
  /** The subscription was refused. */
  onError?(code: string, error: string): void;
}

interface Entry {
  readonly id: number;
  readonly subscription: Subscription;
  readonly listeners: Set<LiveListener>;
  /** The server has acknowledged it at least once. */
  started: boolean;
  stopFallback: (() => void) | null;
}

/** A hidden tab keeps its stream for this long: people flip between tabs. */
const HIDE_GRACE_MS = 5_000;
/** Failed attempts after which the state is called offline, and after which the fallback is tried. */
const OFFLINE_FAILURES = 4;
const FALLBACK_FAILURES = 3;
/** A connection that carried frames and then is silent for so long is dead. */
const SILENCE_MS = 45_000;
const WEBSOCKET_RETRY_IN_FALLBACK_MS = 60_000;
/** A browser opens six connections to one host over HTTP/1.1; the fallback must leave some for everything else. */
const FALLBACK_STREAMS = 3;

export class LiveClient {
  readonly #options: LiveClientOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byId = new Map<number, Entry>();
  readonly #watchers = new Set<() => void>();
  #state: LiveState = INITIAL_STATE;
  #socket: SocketLike | null = null;
  #open = false;
  #running = false;
  #paused = false;
  #fallback = false;
  #failures = 0;
  #nextId = 1;
  #epoch: string | null = null;
  #seq = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #hide: ReturnType<typeof setTimeout> | null = null;
  #silence: ReturnType<typeof setTimeout> | null = null;

  constructor(options: LiveClientOptions) {
    this.#options = options;
  }

  /** The connection's state; the same object until something changes. */
  readonly getState = (): LiveState => this.#state;

  /** Calls `watcher` on each change of the state; returns what ends that. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Connects, when it is not connected; idempotent. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#failures = 0;
    this.#connect();
  }

  /** Closes the connection, for example on sign-out; subscriptions stay known and come back with `start`. */
  stop(): void {
    this.#running = false;
    this.#endFallback();
    this.#dropSocket();
    for (const timer of [this.#retry, this.#hide, this.#silence]) if (timer !== null) clearTimeout(timer);
    this.#retry = this.#hide = this.#silence = null;
    this.#epoch = null;
    this.#paused = false;
    for (const entry of this.#entries.values()) entry.started = false;
    this.#update({ status: "offline", transport: null, hz: 0 });
  }

  /** Asks for points until the returned function is called. Starts the connection. */
  subscribe(subscription: Subscription, listener: LiveListener): () => void {
    const key = subscriptionKey(subscription);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { id: this.#nextId, subscription, listeners: new Set(), started: false, stopFallback: null };
      this.#nextId += 1;
      this.#entries.set(key, entry);
      this.#byId.set(entry.id, entry);
      if (this.#open) this.#sendSubscribe(entry);
      else if (this.#fallback) this.#startFallback(entry);
    } else if (entry.started) {
      queueMicrotask(() => {
        if (this.#entries.get(key)?.listeners.has(listener) === true) listener.onGap?.();
      });
    }
    const subscribed = entry;
    subscribed.listeners.add(listener);
    this.start();
    return () => {
      if (!subscribed.listeners.delete(listener) || subscribed.listeners.size > 0) return;
      this.#remove(key, subscribed);
      if (this.#open) this.#send({ type: "unsubscribe", id: subscribed.id });
    };
  }

  /** The tab was hidden or shown. */
  visibilityChanged(): void {
    if (this.#hide !== null) clearTimeout(this.#hide);
    this.#hide = null;
    if (this.#options.isHidden()) {
      this.#hide = setTimeout(() => {
        this.#paused = true;
        if (this.#open) this.#send({ type: "pause" });
        this.#endFallback();
      }, HIDE_GRACE_MS);
      return;
    }
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#open) {
      // The server sends what the last minute brought, and says `gap` when the tab was away for longer.
      this.#send({ type: "resume" });
    } else if (this.#running) {
      this.#connectNow();
    }
  }

  /** The device got or lost its network. */
  networkChanged(): void {
    if (!this.#running) return;
    if (this.#options.isOnline()) {
      if (!this.#open) this.#connectNow();
    } else if (!this.#open) {
      this.#update({ status: "offline" });
    }
  }

  #connectNow(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#dropSocket();
    this.#connect();
  }

  #connect(): void {
    if (!this.#running || this.#socket !== null) return;
    let socket: SocketLike;
    try {
      socket = this.#options.openSocket();
    } catch {
      this.#failed();
      return;
    }
    this.#socket = socket;
    if (!this.#fallback) this.#update({ status: this.#statusWithoutConnection(), transport: null, hz: 0 });
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#opened();
    };
    socket.onmessage = (event) => {
      this.#received(event.data);
    };
    socket.onclose = () => {
      this.#dropSocket();
      this.#failed();
    };
  }

  #opened(): void {
    this.#open = true;
    this.#endFallback();
    if (this.#paused) this.#send({ type: "pause" });
    for (const entry of this.#entries.values()) this.#sendSubscribe(entry);
  }

  /** Only a greeting proves that a Sensorium is at the other end, so the count of failures ends there, not on opening. */
  #received(data: unknown): void {
    this.#watchSilence(data instanceof ArrayBuffer);
    if (data instanceof ArrayBuffer) {
      this.#receivedFrame(data);
      return;
    }
    const message = typeof data === "string" ? parseServerMessage(data) : null;
    switch (message?.type) {
      case "hello":
        this.#failures = 0;
        if (this.#epoch !== message.epoch) this.#seq = message.seq;
        this.#epoch = message.epoch;
        this.#update({ status: "live", transport: "websocket", hz: message.hz, coalesced: 0 });
        return;
      case "subscribed":
        this.#subscribed(message.id, message.gap);
        return;
      case "error":
        if (message.id !== undefined) this.#refused(message.id, message.code, message.error);
        return;
      case "degraded":
        this.#update({ status: "degraded", hz: message.hz, coalesced: message.coalesced });
        return;
      case "recovered":
        this.#update({ status: "live", hz: message.hz });
        return;
      case undefined:
    }
  }

  #receivedFrame(bytes: ArrayBuffer): void {
    let frame: LiveFrame;
    try {
      frame = decodeFrame(bytes);
    } catch {
      this.#update({ unreadable: this.#state.unreadable + 1 });
      return;
    }
    this.#seq = Math.max(this.#seq, frame.seq);
    for (const [id, rows] of rowsBySubscription(frame)) this.#deliver(id, frame, rows);
  }

  #deliver(id: number, frame: LiveFrame, rows: readonly number[]): void {
    for (const listener of this.#byId.get(id)?.listeners ?? []) listener.onFrame(frame, rows);
  }

  #subscribed(id: number, gap: boolean): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    const first = !entry.started;
    entry.started = true;
    if (first || gap) for (const listener of entry.listeners) listener.onGap?.();
  }

  #refused(id: number, code: string, error: string): void {
    for (const listener of this.#byId.get(id)?.listeners ?? []) listener.onError?.(code, error);
  }

  #sendSubscribe(entry: Entry): void {
    const resume = entry.started && this.#epoch !== null ? { epoch: this.#epoch, seq: this.#seq } : undefined;
    this.#send({
      type: "subscribe",
      id: entry.id,
      ...entry.subscription,
      ...(resume === undefined ? {} : { resume }),
    });
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #remove(key: string, entry: Entry): void {
    entry.stopFallback?.();
    this.#entries.delete(key);
    this.#byId.delete(entry.id);
  }

  #failed(): void {
    if (!this.#running) return;
    this.#failures += 1;
    if (!this.#fallback) this.#update({ status: this.#statusWithoutConnection(), transport: null, hz: 0 });
    if (this.#failures >= FALLBACK_FAILURES && !this.#paused) this.#beginFallback();
    const delay =
      this.#state.transport === "sse"
        ? WEBSOCKET_RETRY_IN_FALLBACK_MS
        : backoffMs(this.#failures, this.#options.random);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect();
    }, delay);
  }

  #statusWithoutConnection(): LiveState["status"] {
    return !this.#options.isOnline() || this.#failures >= OFFLINE_FAILURES ? "offline" : "reconnecting";
  }

  #beginFallback(): void {
    if (this.#options.openFallback === null || this.#fallback) return;
    this.#fallback = true;
    for (const entry of this.#entries.values()) this.#startFallback(entry);
  }

  #startFallback(entry: Entry): void {
    const running = [...this.#entries.values()].filter((other) => other.stopFallback !== null).length;
    if (this.#options.openFallback === null || running >= FALLBACK_STREAMS) return;
    entry.stopFallback = this.#options.openFallback(entry.id, entry.subscription, {
      onOpen: () => {
        this.#update({ status: "degraded", transport: "sse", hz: 1 });
        this.#subscribed(entry.id, true);
      },
      onGap: () => {
        this.#subscribed(entry.id, true);
      },
      onFrame: (frame) => {
        this.#deliver(
          entry.id,
          frame,
          Array.from({ length: frame.length }, (_, row) => row),
        );
      },
      onFail: () => {
        this.#endFallback();
        if (this.#running && !this.#open)
          this.#update({ status: this.#statusWithoutConnection(), transport: null, hz: 0 });
      },
    });
  }

  #endFallback(): void {
    this.#fallback = false;
    for (const entry of this.#entries.values()) {
      entry.stopFallback?.();
      entry.stopFallback = null;
    }
  }

  #watchSilence(carriesData: boolean): void {
    if (!carriesData && this.#silence === null) return;
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#silence = null;
      if (this.#open && !this.#paused) this.#connectNow();
    }, SILENCE_MS);
  }

  #dropSocket(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#open = false;
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #update(change: Partial<LiveState>): void {
    const next = { ...this.#state, ...change };
    const same = (Object.keys(next) as (keyof LiveState)[]).every((key) => next[key] === this.#state[key]);
    if (same) return;
    this.#state = next;
    for (const watcher of this.#watchers) watcher();
  }
}
