import { expect, it } from "vitest";
import { ageIn } from "./Moment";

it.each([
  [-5, null],
  [999, null],
  [1_000, { unit: "seconds", count: 1 }],
  [59_999, { unit: "seconds", count: 59 }],
  [60_000, { unit: "minutes", count: 1 }],
  [3_600_000, { unit: "hours", count: 1 }],
  [90_000_000, { unit: "days", count: 1 }],
])("says how old %i ms are", (elapsed, age) => {
  expect(ageIn(elapsed)).toEqual(age);
});
