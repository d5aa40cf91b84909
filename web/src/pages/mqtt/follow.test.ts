import { expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { follow, type World } from "./follow";

type Source = ReadableStreamDefaultController<Uint8Array>;

/** A server whose streams the test writes to, and a clock that does not wait. */
function world() {
  const sources: Source[] = [];
  const refusals: Error[] = [];
  const pauses: number[] = [];
  const given: World = {
    open: (signal) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) return Promise.reject(refusal);
      const stream = new ReadableStream<Uint8Array>({
        start(source) {
          sources.push(source);
          signal.addEventListener("abort", () => {
            source.error(signal.reason);
          });
        },
      });
      return Promise.resolve(stream);
    },
    pause: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
    random: () => 1,
  };
  return { given, sources, refusals, pauses };
}

const follower = () => ({ onOpen: vi.fn(), onMessage: vi.fn(), onMissed: vi.fn(), onLost: vi.fn() });
const write = (source: Source | undefined, text: string) => source?.enqueue(new TextEncoder().encode(text));

it("tells messages and how many were missed, and nothing that it does not know", async () => {
  const { given, sources } = world();
  const to = follower();
  const stop = follow(given, to);
  await vi.waitFor(() => {
    expect(to.onOpen).toHaveBeenCalledOnce();
  });
  write(sources[0], ": still here\n\ndata: not JSON\n\ndata: 7\n\nevent: later\ndata: {\"topic\":\"x\"}\n\nevent: missed\ndata: {}\n\n");
  write(sources[0], 'event: message\ndata: {"topic":"a/b","text":"1"}\n\nevent: missed\ndata: {"count":12}\n\n');
  await vi.waitFor(() => {
    expect(to.onMissed).toHaveBeenCalledExactlyOnceWith(12);
  });
  expect(to.onMessage).toHaveBeenCalledExactlyOnceWith({ topic: "a/b", text: "1" });
  stop();
  await Promise.resolve();
  expect(to.onLost).not.toHaveBeenCalled();
});

it("opens the stream anew when it ends or breaks, and tells why", async () => {
  const { given, sources, refusals, pauses } = world();
  const to = follower();
  const stop = follow(given, to);
  await vi.waitFor(() => {
    expect(sources).toHaveLength(1);
  });
  const network = new ApiError("no network", 0, "network");
  refusals.push(network, new ApiError("32 readers already (mqtt.readers)", 429, "busy"));
  sources[0]?.close();
  await vi.waitFor(() => {
    expect(sources).toHaveLength(2);
  });
  expect(pauses).toEqual([3_000, 3_000, 3_000]);
  expect(to.onLost.mock.calls.map(([error]: unknown[]) => (error as Error | null)?.message)).toEqual([
    undefined,
    "no network",
    "32 readers already (mqtt.readers)",
  ]);
  sources[1]?.error(new TypeError("broken off"));
  await vi.waitFor(() => {
    expect(sources).toHaveLength(3);
  });
  stop();
});

it("gives up where another try cannot help", async () => {
  const { given, sources, refusals, pauses } = world();
  const to = follower();
  refusals.push(new ApiError("that is no filter", 400, "invalid"));
  follow(given, to);
  await vi.waitFor(() => {
    expect(to.onLost).toHaveBeenCalledOnce();
  });
  expect([sources.length, pauses.length]).toEqual([0, 0]);
});

it("stops at once", async () => {
  const { given, sources, pauses } = world();
  const to = follower();
  const stop = follow(given, to);
  await vi.waitFor(() => {
    expect(to.onOpen).toHaveBeenCalledOnce();
  });
  write(sources[0], 'data: {"topic":"late"}\n\n');
  stop();
  await new Promise((resolve) => setTimeout(resolve));
  expect(to.onMessage).not.toHaveBeenCalled();
  expect(to.onLost).not.toHaveBeenCalled();
  expect(pauses).toEqual([]);
});
