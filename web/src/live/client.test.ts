import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FallbackStream, LiveClient, type LiveListener, type SocketLike } from "./client";
import { type FixturePoint, frameBytes } from "./fixtures";
import type { ClientMessage, ServerMessage } from "./protocol";

class FakeSocket implements SocketLike {
  binaryType = "blob";
  onopen: SocketLike["onopen"] = null;
  onclose: SocketLike["onclose"] = null;
  onmessage: SocketLike["onmessage"] = null;
  closed = false;
  readonly sent: ClientMessage[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.onopen?.(new Event("open"));
  }
  fail(): void {
    this.onclose?.({} as CloseEvent);
  }
  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  frame(seq: number, points: FixturePoint[]): void {
    this.onmessage?.({ data: frameBytes(seq, points) } as MessageEvent);
  }
  greet(epoch = "e1", seq = 10): void {
    this.open();
    this.say({ type: "hello", epoch, seq, hz: 20 });
  }
}

const cpu = { database: "main", table: "cpu" };
const point = (subscription: number, time: number): FixturePoint => ({
  subscription,
  time,
  series: "host=a",
  table: "cpu",
  field: "usage_user",
  value: 1,
});

let sockets: FakeSocket[];
let hidden: boolean;
let online: boolean;
let fallback: ReturnType<typeof vi.fn<FallbackStream>>;

function setUp(withFallback = false) {
  const client = new LiveClient({
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    openFallback: withFallback ? fallback : null,
    random: () => 1,
    isHidden: () => hidden,
    isOnline: () => online,
  });
  const listener = { onFrame: vi.fn<LiveListener["onFrame"]>(), onGap: vi.fn(), onError: vi.fn() };
  return { client, listener };
}

function socket(index = -1): FakeSocket {
  const found = sockets.at(index);
  if (found === undefined) throw new Error("no socket was opened");
  return found;
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  hidden = false;
  online = true;
  fallback = vi.fn<FallbackStream>(() => () => undefined);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("LiveClient", () => {
  it("connects with the first subscription and is live after the greeting", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    expect(client.getState().status).toBe("reconnecting");
    socket().greet();
    expect(socket().binaryType).toBe("arraybuffer");
    expect(socket().sent).toEqual([{ type: "subscribe", id: 1, ...cpu }]);
    expect(client.getState()).toMatchObject({ status: "live", transport: "websocket", hz: 20 });
  });

  it("delivers a frame's rows to the subscription that they belong to", () => {
    const { client, listener } = setUp();
    const other = vi.fn();
    client.subscribe(cpu, listener);
    client.subscribe({ database: "main", table: "mem" }, { onFrame: other });
    socket().greet();
    socket().frame(11, [point(2, 1), point(1, 2), point(2, 3)]);
    expect(listener.onFrame).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ seq: 11 }), [1]);
    expect(other).toHaveBeenCalledExactlyOnceWith(expect.anything(), [0, 2]);
  });

  it("uses one id for equal subscriptions and gives it up with the last", () => {
    const { client, listener } = setUp();
    const first = client.subscribe({ ...cpu, fields: ["a", "b"] }, listener);
    const second = client.subscribe({ ...cpu, fields: ["b", "a"] }, { onFrame: vi.fn() });
    socket().greet();
    expect(socket().sent).toHaveLength(1);
    first();
    expect(socket().sent).toHaveLength(1);
    second();
    second();
    expect(socket().sent.at(-1)).toEqual({ type: "unsubscribe", id: 1 });
    expect(socket().sent).toHaveLength(2);
  });

  it("asks listeners to fetch history at the start, and again only when the server could not replay", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    socket().say({ type: "subscribed", id: 1, seq: 10, replayed: 0, gap: false });
    expect(listener.onGap).toHaveBeenCalledTimes(1);
    socket().fail();
    vi.advanceTimersByTime(1000);
    socket().greet();
    socket().say({ type: "subscribed", id: 1, seq: 12, replayed: 2, gap: false });
    expect(listener.onGap).toHaveBeenCalledTimes(1);
    socket().fail();
    vi.advanceTimersByTime(1000);
    socket().greet("e2");
    socket().say({ type: "subscribed", id: 1, seq: 1, replayed: 0, gap: true });
    expect(listener.onGap).toHaveBeenCalledTimes(2);
  });

  it("resumes from the last frame after a lost connection", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet("e1", 10);
    socket().say({ type: "subscribed", id: 1, seq: 10, replayed: 0, gap: false });
    socket().frame(17, [point(1, 1)]);
    socket().fail();
    expect(client.getState().status).toBe("reconnecting");
    vi.advanceTimersByTime(999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    socket().open();
    expect(socket().sent).toEqual([{ type: "subscribe", id: 1, ...cpu, resume: { epoch: "e1", seq: 17 } }]);
  });

  it("waits longer after each failure and is offline after four, until a greeting", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    for (const pause of [1000, 2000, 4000, 8000]) {
      socket().fail();
      const before = sockets.length;
      vi.advanceTimersByTime(pause - 1);
      expect(sockets).toHaveLength(before);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(before + 1);
    }
    expect(client.getState().status).toBe("offline");
    socket().open();
    expect(client.getState().status).toBe("offline");
    socket().greet();
    expect(client.getState().status).toBe("live");
    socket().fail();
    expect(client.getState().status).toBe("reconnecting");
  });

  it("connects at once when the network comes back", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    online = false;
    socket().fail();
    expect(client.getState().status).toBe("offline");
    online = true;
    client.networkChanged();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(2);
  });

  it("says that it is degraded for as long as the server says so", () => {
    const { client, listener } = setUp();
    const seen = vi.fn();
    client.watch(seen);
    client.subscribe(cpu, listener);
    socket().greet();
    socket().say({ type: "degraded", hz: 5, coalesced: 120 });
    expect(client.getState()).toMatchObject({ status: "degraded", hz: 5, coalesced: 120 });
    const state = client.getState();
    const calls = seen.mock.calls.length;
    socket().say({ type: "degraded", hz: 5, coalesced: 120 });
    expect(client.getState()).toBe(state);
    expect(seen).toHaveBeenCalledTimes(calls);
    socket().say({ type: "recovered", hz: 20 });
    expect(client.getState()).toMatchObject({ status: "live", hz: 20 });
  });

  it("pauses a hidden tab after a moment and goes on when it is shown", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    socket().say({ type: "subscribed", id: 1, seq: 10, replayed: 0, gap: false });
    hidden = true;
    client.visibilityChanged();
    vi.advanceTimersByTime(4999);
    expect(socket().sent).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(socket().sent.at(-1)).toEqual({ type: "pause" });
    hidden = false;
    client.visibilityChanged();
    expect(socket().sent.slice(2)).toEqual([{ type: "resume" }]);
    socket().say({ type: "subscribed", id: 1, seq: 99, replayed: 0, gap: true });
    expect(listener.onGap).toHaveBeenCalledTimes(2);
  });

  it("does not pause a tab that is shown again at once", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    hidden = true;
    client.visibilityChanged();
    vi.advanceTimersByTime(1000);
    hidden = false;
    client.visibilityChanged();
    vi.advanceTimersByTime(10_000);
    expect(socket().sent).toHaveLength(1);
  });

  it("takes a connection that fell silent for dead", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    const first = socket();
    first.greet();
    first.frame(11, [point(1, 1)]);
    vi.advanceTimersByTime(44_999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    expect(first.closed).toBe(true);
  });

  it("leaves a connection alone that never carried data", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    vi.advanceTimersByTime(600_000);
    expect(sockets).toHaveLength(1);
  });

  it("falls back to server-sent events after three failures, and back again", () => {
    const { client, listener } = setUp(true);
    client.subscribe(cpu, listener);
    socket().fail();
    vi.advanceTimersByTime(1000);
    socket().fail();
    vi.advanceTimersByTime(2000);
    expect(fallback).not.toHaveBeenCalled();
    socket().fail();
    expect(fallback).toHaveBeenCalledExactlyOnceWith(1, cpu, expect.anything());
    fallback.mock.calls[0]?.[2].onOpen();
    expect(client.getState()).toMatchObject({ status: "degraded", transport: "sse", hz: 1 });
    expect(listener.onGap).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(60_000);
    socket().greet();
    expect(client.getState()).toMatchObject({ status: "live", transport: "websocket" });
  });

  it("counts frames that it cannot read and goes on", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    socket().onmessage?.({ data: new ArrayBuffer(4) } as MessageEvent);
    expect(client.getState().unreadable).toBe(1);
    socket().frame(11, [point(1, 1)]);
    expect(listener.onFrame).toHaveBeenCalledTimes(1);
  });

  it("tells a subscription why it was refused", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    socket().say({ type: "error", id: 1, code: "missing", error: "there is no database main" });
    expect(listener.onError).toHaveBeenCalledExactlyOnceWith("missing", "there is no database main");
  });

  it("closes for good on stop, and comes back without a claim to resume", () => {
    const { client, listener } = setUp();
    client.subscribe(cpu, listener);
    socket().greet();
    socket().say({ type: "subscribed", id: 1, seq: 10, replayed: 0, gap: false });
    client.stop();
    expect(socket().closed).toBe(true);
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
    client.start();
    socket().open();
    expect(socket().sent).toEqual([{ type: "subscribe", id: 1, ...cpu }]);
  });
});
