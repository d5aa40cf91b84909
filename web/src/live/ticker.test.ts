import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeTicker } from "./ticker";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("makeTicker", () => {
  it("ticks at once after a rest, and then in its rhythm, once for any number of changes", () => {
    const ticker = makeTicker(20);
    const watcher = vi.fn();
    ticker.watch(watcher);
    ticker.touch();
    ticker.touch();
    vi.advanceTimersByTime(0);
    expect(ticker.count()).toBe(1);
    ticker.touch();
    ticker.touch();
    vi.advanceTimersByTime(49);
    expect(ticker.count()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(ticker.count()).toBe(2);
    vi.advanceTimersByTime(1000);
    expect(watcher).toHaveBeenCalledTimes(2);
  });

  it("leaves most of the time to others where drawing is slow", () => {
    const ticker = makeTicker(20);
    ticker.watch(() => {
      vi.advanceTimersByTime(100);
      ticker.drawn();
    });
    ticker.touch();
    vi.advanceTimersByTime(0);
    ticker.touch();
    vi.advanceTimersByTime(299);
    expect(ticker.count()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(ticker.count()).toBe(2);
  });

  it("does not take for slow drawing that nobody was there to draw", () => {
    const ticker = makeTicker(20);
    ticker.drawn();
    ticker.touch();
    vi.advanceTimersByTime(0);
    vi.advanceTimersByTime(5000);
    ticker.drawn();
    ticker.touch();
    vi.advanceTimersByTime(0);
    expect(ticker.count()).toBe(2);
  });

  it("is quiet after its end", () => {
    const ticker = makeTicker(20);
    ticker.touch();
    ticker.cancel();
    vi.advanceTimersByTime(1000);
    expect(ticker.count()).toBe(0);
  });
});
