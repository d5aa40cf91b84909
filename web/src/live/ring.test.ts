import { describe, expect, it } from "vitest";
import { lowerBound, TimeRing } from "./ring";

function filled(capacity: number, points: [number, number][]): TimeRing {
  const ring = new TimeRing(capacity);
  for (const [time, value] of points) ring.push(time, value);
  return ring;
}
const pairs = (ring: TimeRing) => Array.from(ring.times(), (time, row) => [time, ring.values()[row]]);

describe("TimeRing", () => {
  it("keeps the newest points in order", () => {
    const ring = new TimeRing(100);
    for (let time = 0; time < 1000; time += 1) ring.push(time, time * 2);
    expect(ring.length).toBe(100);
    expect(ring.times()[0]).toBe(900);
    expect(ring.lastTime).toBe(999);
    expect(ring.lastValue).toBe(1998);
    expect(Array.from(ring.times())).toEqual(Array.from({ length: 100 }, (_, row) => 900 + row));
  });

  it("replaces the value of a time that it holds", () => {
    expect(
      pairs(
        filled(4, [
          [1, 10],
          [2, 20],
          [3, 30],
          [2, 21],
        ]),
      ),
    ).toEqual([
      [1, 10],
      [2, 21],
      [3, 30],
    ]);
  });

  it("puts a late point in its place", () => {
    expect(
      pairs(
        filled(4, [
          [1, 10],
          [3, 30],
          [2, 20],
        ]),
      ),
    ).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
  });

  it("puts a late point in its place when it is full, and lets the oldest go", () => {
    expect(
      pairs(
        filled(3, [
          [1, 10],
          [3, 30],
          [4, 40],
          [2, 20],
        ]),
      ),
    ).toEqual([
      [2, 20],
      [3, 30],
      [4, 40],
    ]);
  });

  it("leaves out a point that is older than all of a full ring", () => {
    expect(
      pairs(
        filled(2, [
          [2, 20],
          [3, 30],
          [1, 10],
        ]),
      ),
    ).toEqual([
      [2, 20],
      [3, 30],
    ]);
  });

  it("merges history, and what came live wins", () => {
    const ring = filled(10, [
      [3, 33],
      [4, 44],
    ]);
    ring.merge([1, 2, 3], [10, 20, 30]);
    expect(pairs(ring)).toEqual([
      [1, 10],
      [2, 20],
      [3, 33],
      [4, 44],
    ]);
  });

  it("merges history that is not in order and skips times that are none", () => {
    const ring = filled(10, [[3, 33]]);
    ring.merge([4, NaN, 1], [40, 0, 10]);
    expect(pairs(ring)).toEqual([
      [1, 10],
      [3, 33],
      [4, 40],
    ]);
  });

  it("behaves like a sorted map bounded in size, whatever the order of arrival", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const ring = new TimeRing(50);
    const model = new Map<number, number>();
    for (let step = 0; step < 3000; step += 1) {
      const time = Math.floor(random() * 200) + Math.floor(step / 10);
      const oldest = Math.min(...model.keys());
      ring.push(time, step);
      if (model.has(time) || model.size < 50) model.set(time, step);
      else if (time > oldest) {
        model.delete(oldest);
        model.set(time, step);
      }
      expect(pairs(ring)).toEqual([...model].sort(([a], [b]) => a - b));
    }
  });

  it("forgets what is before a time", () => {
    const ring = filled(10, [
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    ring.dropBefore(2);
    expect(pairs(ring)).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });
});

describe("lowerBound", () => {
  it("finds the first element that is not below", () => {
    expect([0, 1, 2, 5, 9].map((time) => lowerBound([1, 2, 5], time))).toEqual([0, 0, 1, 2, 3]);
  });
});
