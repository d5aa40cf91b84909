import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { MqttMessage } from "@/api/mqtt";
import { type FeedSource, TopicFeed } from "./feed";

const message = (topic: string, text: string, more: Partial<MqttMessage> = {}): MqttMessage => ({
  topic,
  qos: 0,
  retain: false,
  bytes: text.length,
  text,
  base64: null,
  is_cut: false,
  content_type: null,
  expires: null,
  at: null,
  client_id: null,
  ...more,
});

/** A broker that says what the test says. */
function broker(retained: MqttMessage[][] = []) {
  let source: ReadableStreamDefaultController<Uint8Array> | undefined;
  const opened = vi.fn();
  const given: FeedSource = {
    stream: (filter) => {
      opened(filter);
      return Promise.resolve(
        new ReadableStream<Uint8Array>({
          start(controller) {
            source = controller;
          },
        }),
      );
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- as the pages of the server come
    retained: async function* () {
      yield* retained;
    },
    now: Date.now,
  };
  const say = async (...messages: MqttMessage[]) => {
    const text = messages.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
    source?.enqueue(new TextEncoder().encode(text));
    await vi.advanceTimersByTimeAsync(250);
  };
  const sayMissed = async (count: number) => {
    source?.enqueue(new TextEncoder().encode(`event: missed\ndata: {"count":${count}}\n\n`));
    await vi.advanceTimersByTimeAsync(250);
  };
  return { given, opened, say, sayMissed };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("shows what is retained, then what comes, some at a time", async () => {
  const old = message("hall/lamp", "off", { retain: true, at: "2026-11-28T08:00:00Z" });
  const { given, opened, say, sayMissed } = broker([[old], [message("attic", "1", { retain: true })]]);
  const feed = new TopicFeed("hall/#", given);
  const drawn = vi.fn();
  feed.subscribe(drawn);
  const stop = feed.start();
  await vi.advanceTimersByTimeAsync(250);
  expect(opened).toHaveBeenCalledExactlyOnceWith("hall/#");
  const first = feed.view();
  expect([first.state, first.isComplete, first.tree.size]).toEqual(["live", true, 3]);
  expect(first.tree.find("hall/lamp")?.last?.text).toBe("off");
  drawn.mockClear();
  await say(message("hall/lamp", "on"), message("hall/lamp", "off"), message("hall/lamp", "on"));
  expect(drawn).toHaveBeenCalledOnce();
  expect(feed.view()).not.toBe(first);
  expect(feed.view().tree.find("hall/lamp")?.count).toBe(3);
  await sayMissed(4);
  await sayMissed(3);
  expect(feed.view().missed).toBe(7);
  stop();
});

it("holds what is shown, and lets what waited in", async () => {
  const { given, say } = broker();
  const feed = new TopicFeed("#", given);
  const stop = feed.start();
  await say(message("t", "1"));
  feed.hold(true);
  await say(message("t", "2"), message("u", "3"));
  expect([feed.view().isHeld, feed.view().held, feed.view().tree.size]).toEqual([true, 2, 1]);
  feed.hold(false);
  expect([feed.view().isHeld, feed.view().held, feed.view().tree.size]).toEqual([false, 0, 2]);
  expect(feed.view().tree.find("t")?.last?.text).toBe("2");
  stop();
});

it("keeps the newest of more than may wait", async () => {
  const { given, say } = broker();
  const feed = new TopicFeed("#", given);
  const stop = feed.start();
  await say();
  feed.hold(true);
  await say(...Array.from({ length: 5_010 }, (_, index) => message(`t/${index}`, "1")));
  expect([feed.view().held, feed.view().missed]).toEqual([5_000, 10]);
  feed.hold(false);
  expect(feed.view().tree.find("t/9")).toBeUndefined();
  expect(feed.view().tree.find("t/10")?.count).toBe(1);
  stop();
});

it("goes on with what it saw when it is started again", async () => {
  const { given, opened, say } = broker([[message("r", "old", { retain: true })]]);
  const feed = new TopicFeed("#", given);
  const stop = feed.start();
  await say(message("r", "new"));
  stop();
  const again = feed.start();
  await say();
  expect(opened).toHaveBeenCalledTimes(2);
  expect(feed.view().tree.find("r")?.last?.text).toBe("new");
  again();
});

it("tells why it is refused", async () => {
  const { given } = broker();
  const feed = new TopicFeed("#", { ...given, stream: () => Promise.reject(new Error("32 readers already")) });
  const stop = feed.start();
  await vi.advanceTimersByTimeAsync(250);
  expect([feed.view().state, feed.view().error?.message]).toEqual(["lost", "32 readers already"]);
  stop();
});
