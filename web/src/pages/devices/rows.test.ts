import { expect, it } from "vitest";
import { between, rowsToDraw, slotsFor } from "./rows";

const range = { startIndex: 50, endIndex: 52, overscan: 1, count: 100 };
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

it("draws the same rows until one comes near that is not among them", () => {
  expect(rowsToDraw(range, null)).toEqual(from(48, 55));
  expect(rowsToDraw({ ...range, startIndex: 49, endIndex: 54 }, null)).toEqual(from(48, 55));
  expect(rowsToDraw({ ...range, startIndex: 49, endIndex: 55 }, null)).toEqual(from(48, 63));
  expect(rowsToDraw({ ...range, startIndex: 0, endIndex: 2, count: 3 }, null)).toEqual([0, 1, 2]);
  expect(rowsToDraw({ ...range, startIndex: 0, endIndex: 0, count: 0 }, null)).toEqual([]);
});

it("keeps the row with the focus and its neighbours in the page", () => {
  expect(rowsToDraw(range, 0)).toEqual([0, 1, ...from(48, 55)]);
  expect(rowsToDraw(range, 99)).toEqual([...from(48, 55), 98, 99]);
  expect(rowsToDraw(range, 51)).toEqual(from(48, 55));
});

it("takes a range from either end", () => {
  expect(between(["a", "b", "c", "d"], 2, 1)).toEqual(["b", "c"]);
  expect(between(["a"], 0, 0)).toEqual(["a"]);
});

it("shows rows that come in the elements of those that go, and leaves the others where they are", () => {
  const first = slotsFor(new Map(), [0, 1, 2, 3]);
  expect([...first]).toEqual([[0, 0], [1, 1], [2, 2], [3, 3]]);
  const next = slotsFor(first, [2, 3, 4, 5]);
  expect([...next]).toEqual([[2, 2], [3, 3], [4, 0], [5, 1]]);
  expect([...slotsFor(next, [3, 90, 91])]).toEqual([[3, 3], [90, 0], [91, 1]]);
});
