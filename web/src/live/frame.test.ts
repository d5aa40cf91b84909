import { describe, expect, it } from "vitest";
import { frameBytes } from "./fixtures";
import { decodeFrame, FrameError, rowsBySubscription } from "./frame";

const points = [
  {
    subscription: 1,
    time: 1_700_000_000_000.5,
    series: "cpu=cpu0,host=a",
    table: "cpu",
    field: "usage_user",
    value: 12.5,
  },
  { subscription: 2, time: 1_700_000_000_001, series: "", table: "door", field: "state", value: null, text: "öffen" },
  { subscription: 1, time: 1_700_000_001_000, series: "cpu=cpu0,host=a", table: "cpu", field: "usage_user", value: 0 },
];

describe("decodeFrame", () => {
  it("reads the sequence number and the columns", () => {
    const frame = decodeFrame(frameBytes(2 ** 40 + 3, points));
    expect(frame.seq).toBe(2 ** 40 + 3);
    expect(frame.length).toBe(3);
    expect(Array.from(frame.time)).toEqual(points.map((point) => point.time));
    expect(Array.from(frame.series)).toEqual(points.map((point) => point.series));
    expect(Array.from(frame.table)).toEqual(["cpu", "door", "cpu"]);
    expect(Array.from(frame.field)).toEqual(["usage_user", "state", "usage_user"]);
    expect(Array.from(frame.value)).toEqual([12.5, NaN, 0]);
    expect(Array.from(frame.text)).toEqual([null, "öffen", null]);
  });

  it("sorts the rows by subscription", () => {
    expect([...rowsBySubscription(decodeFrame(frameBytes(1, points)))]).toEqual([
      [1, [0, 2]],
      [2, [1]],
    ]);
  });

  it("refuses what is no frame", () => {
    expect(() => decodeFrame(new ArrayBuffer(3))).toThrow(FrameError);
    expect(() => decodeFrame(frameBytes(1, points).slice(0, 100))).toThrow();
  });
});
