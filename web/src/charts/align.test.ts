import { describe, expect, it } from "vitest";
import { align, usualGap } from "./align";
import { stack } from "./stack";

describe("align", () => {
  it("puts series with equal times side by side", () => {
    const times = [1000, 2000];
    expect(
      align(
        [
          { times, values: [1, 2] },
          { times, values: [3, 4] },
        ],
        2500,
      ),
    ).toEqual({
      times: [1000, 2000],
      columns: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it("draws over times of other series, but not over a gap", () => {
    const a = { times: [0, 1000, 2000, 3000, 4000, 5000], values: [0, 1, 2, 3, 4, 5] };
    const b = { times: [0, 2000, 5000], values: [0, 20, 50] };
    expect(align([a, b], 2500).columns[1]).toEqual([0, undefined, 20, undefined, null, 50]);
  });

  it("makes a row for a gap that all series share", () => {
    const aligned = align([{ times: [0, 1000, 9000], values: [1, 2, 3] }], 2500);
    expect(aligned).toEqual({ times: [0, 1000, 5000, 9000], columns: [[1, 2, null, 3]] });
  });

  it("marks a gap that ends with the next point although no row in between was late", () => {
    const a = { times: [0, 1000, 2000, 3000], values: [1, 1, 1, 1] };
    const b = { times: [0, 3000], values: [5, 6] };
    expect(align([a, b], 2500).columns[1]).toEqual([5, undefined, null, 6]);
  });

  it("takes a point without a number for a gap", () => {
    expect(align([{ times: [0, 1, 2], values: [1, NaN, 3] }], 100).columns[0]).toEqual([1, null, 3]);
  });

  it("gives the same whether or not the times are shared", () => {
    const times = [0, 1, 2, 9, 10];
    const a = { times, values: [1, 2, NaN, 4, 5] };
    const b = { times: [...times], values: [5, 4, 3, 2, 1] };
    const odd = { times: [0.5], values: [0] };
    const fast = align([a, b], 3, 1, 10);
    const slow = align([a, b, odd], 3, 1, 10);
    expect(fast.times).toEqual([1, 2, 5.5, 9, 10]);
    expect(fast).toEqual({ times: slow.times, columns: slow.columns.slice(0, 2) });
  });

  it("keeps to the span", () => {
    expect(align([{ times: [0, 1, 2, 3], values: [0, 1, 2, 3] }], 100, 1, 2).times).toEqual([1, 2]);
  });
});

describe("usualGap", () => {
  it("is three times the usual step", () => {
    expect(usualGap([{ times: [0, 10, 20, 30, 500], values: [] }], 1)).toBe(30);
  });
  it("is not below the minimum", () => {
    expect(usualGap([{ times: [0, 10], values: [] }], 2500)).toBe(2500);
    expect(usualGap([], 2500)).toBe(2500);
  });
});

describe("stack", () => {
  it("adds up, and has a gap only where all have one", () => {
    const columns = [
      [1, null, null],
      [2, 5, null],
    ];
    expect(stack({ times: [1, 2, 3], columns }).columns).toEqual([
      [1, 0, null],
      [3, 5, null],
    ]);
  });
});
