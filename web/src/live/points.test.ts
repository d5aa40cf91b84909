import { describe, expect, it } from "vitest";
import { frameBytes } from "./fixtures";
import { decodeFrame } from "./frame";
import { LivePoints } from "./points";

const LIMITS = { capacity: 4, maxSeries: 10 };

describe("LivePoints", () => {
  it("keeps numbers in rings and the newest text", () => {
    const points = new LivePoints(LIMITS);
    const row = { subscription: 1, table: "door", series: "id=1", field: "state", value: null };
    const frame = decodeFrame(
      frameBytes(1, [
        { ...row, time: 2, text: "open" },
        { ...row, time: 1, text: "late" },
        { ...row, field: "count", time: 2, value: 7 },
      ]),
    );
    points.addFrame(frame, [0, 1, 2]);
    const [state, count] = points.select("door");
    expect(state).toMatchObject({ field: "state", text: "open", tags: { id: "1" } });
    expect(count?.ring.lastValue).toBe(7);
    expect(points.select("door", "count")).toEqual([count]);
    expect(points.select("door", undefined, (tags) => tags["id"] === "2")).toEqual([]);
  });

  it("lets the series that was silent for longest go when there is no room", () => {
    const points = new LivePoints(LIMITS);
    for (let index = 0; index < 10; index += 1) {
      points.addHistory("procstat", `pid=${index}`, "cpu", [index === 3 ? 0 : 100 + index], [1]);
    }
    points.addHistory("procstat", "pid=new", "cpu", [500], [1]);
    expect(points.size).toBe(10);
    expect(points.evicted).toBe(1);
    const keys = points.select("procstat").map((series) => series.key);
    expect(keys).not.toContain("pid=3");
    expect(keys).toContain("pid=new");
  });

  it("tells which tables changed", () => {
    const points = new LivePoints(LIMITS);
    const row = { subscription: 1, series: "id=1", field: "state", time: 1, value: 1 };
    const add = (table: string) => {
      points.addFrame(decodeFrame(frameBytes(1, [{ ...row, table }])), [0]);
    };
    expect(points.versionOf("door")).toBe(0);
    add("door");
    add("window");
    const before = points.versionOf("door");
    add("window");
    expect(points.versionOf("door")).toBe(before);
    add("door");
    expect(points.versionOf("door")).toBeGreaterThan(before);
    for (let index = 0; index < LIMITS.maxSeries - 1; index += 1) {
      points.addHistory("procstat", `pid=${index}`, "cpu", [100 + index], [1]);
    }
    expect(points.versionOf("door"), "its only series made room").toBe(0);
  });
});
