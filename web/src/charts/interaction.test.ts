import { describe, expect, it } from "vitest";
import { ageParts, freshness } from "./Age";
import { levelOf } from "./Gauge";
import { pinchedRange } from "./gestures";
import { keyTarget, zoomed } from "./keyboard";
import { valueAt } from "./Legend";
import { valueRange } from "./options";
import { sparkPath } from "./Sparkline";

describe("keyTarget", () => {
  it("moves within what is shown", () => {
    expect(keyTarget("ArrowLeft", false, 50, 0, 100)).toEqual({ row: 49 });
    expect(keyTarget("ArrowRight", true, 95, 0, 100)).toEqual({ row: 100 });
    expect(keyTarget("ArrowLeft", false, null, 0, 100)).toEqual({ row: 99 });
    expect(keyTarget("PageDown", false, 50, 0, 100)).toEqual({ row: 40 });
    expect(keyTarget("Home", false, 50, 20, 100)).toEqual({ row: 20 });
    expect(keyTarget("End", false, 50, 20, 100)).toEqual({ row: 100 });
  });
  it("knows zoom and reset, and leaves other keys to the page", () => {
    expect(keyTarget("+", false, null, 0, 9)).toBe("zoomIn");
    expect(keyTarget("-", false, null, 0, 9)).toBe("zoomOut");
    expect(keyTarget("Escape", false, null, 0, 9)).toBe("reset");
    expect(keyTarget("Tab", false, null, 0, 9)).toBeNull();
  });
});

describe("zooming", () => {
  it("keeps the moment in its place", () => {
    expect(zoomed(0, 100, 20, 0.5)).toEqual([10, 60]);
  });
  it("keeps what was under the fingers under them", () => {
    expect(pinchedRange({ left: 1000, right: 2000 }, 0, 100, 100)).toEqual([1000, 2000]);
    expect(pinchedRange({ left: 1000, right: 2000 }, 50, 150, 300)).toEqual([500, 3500]);
    expect(pinchedRange({ left: 1000, right: 2000 }, 50, 55, 300)).toBeNull();
  });
});

describe("valueRange", () => {
  it("starts at zero where the data is near it", () => {
    expect(valueRange(2, 10, [null, null])[0]).toBe(0);
    expect(valueRange(990, 1000, [null, null])[0]).toBeCloseTo(989.2);
    expect(valueRange(-5, 5, [null, null])).toEqual([-5.8, 5.8]);
  });
  it("keeps known ends and never has no height", () => {
    expect(valueRange(20, 30, [0, 100])).toEqual([0, 100]);
    for (const [from, to] of [
      valueRange(0, 0, [null, null]),
      valueRange(0, 0, [0, null]),
      valueRange(null, null, [0, null]),
    ]) {
      expect(to).toBeGreaterThan(from);
    }
  });
});

describe("ages", () => {
  it("count in the largest unit", () => {
    expect(ageParts(900)).toEqual({ unit: "now", count: 0 });
    expect(ageParts(12_400)).toEqual({ unit: "seconds", count: 12 });
    expect(ageParts(61_000)).toEqual({ unit: "minutes", count: 1 });
    expect(ageParts(7_200_000)).toEqual({ unit: "hours", count: 2 });
    expect(ageParts(3 * 86_400_000)).toEqual({ unit: "days", count: 3 });
    expect(ageParts(400 * 86_400_000)).toEqual({ unit: "date", count: 0 });
  });
  it("fade after three expected samples", () => {
    expect(freshness(2900, 1000)).toBe("fresh");
    expect(freshness(3000, 1000)).toBe("late");
    expect(freshness(20_000, 10_000)).toBe("fresh");
    expect(freshness(120_000, 1000)).toBe("stale");
  });
});

describe("levelOf", () => {
  it("names what needs attention", () => {
    expect([79, 80, 95].map((value) => levelOf(value, 80, 95))).toEqual(["calm", "warning", "danger"]);
    expect(levelOf(NaN, 80, 95)).toBe("calm");
    expect(levelOf(1e9)).toBe("calm");
  });
});

describe("sparkPath", () => {
  it("begins anew after a gap", () => {
    const path = sparkPath([0, 1000, 9000, 10_000], [1, 2, 3, 4], 100, 20, 3000);
    expect(path.match(/M/g)).toHaveLength(2);
  });
  it("draws a level line through equal values and nothing through one point", () => {
    expect(sparkPath([0, 1], [5, 5], 100, 20, 10)).toBe("M1.0 10.0L99.0 10.0");
    expect(sparkPath([0], [5], 100, 20, 10)).toBe("");
  });
});

describe("valueAt", () => {
  it("is the newest number where no row is given", () => {
    const data = { times: [1, 2, 3], columns: [[1, 2, null]] };
    expect(valueAt(data, 0, null)).toBe(2);
    expect(valueAt(data, 0, 2)).toBeNaN();
    expect(valueAt(data, 0, 0)).toBe(1);
  });
});
