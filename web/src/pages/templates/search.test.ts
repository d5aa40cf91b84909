import { expect, it } from "vitest";
import { matches, validateSearch } from "./search";

it("keeps only what it understands of an address", () => {
  expect(validateSearch({ q: "soil", status: "waiting", own: true })).toEqual({ q: "soil", status: "waiting", own: true });
  expect(validateSearch({ q: 32, status: "lost", kind: "sensor", own: "yes", more: 1 })).toEqual({ q: "32" });
  expect(validateSearch({ kind: "type" })).toEqual({ kind: "type" });
  expect(validateSearch({ q: "", own: false })).toEqual({});
  expect(validateSearch({ own: "true" })).toEqual({ own: true });
});

it("finds a text in any of some, whatever its case", () => {
  expect(matches(undefined, null)).toBe(true);
  expect(matches(" SOIL ", "Soil probe", null)).toBe(true);
  expect(matches("ada", "Soil probe", null)).toBe(false);
});
