import { expect, it } from "vitest";
import { brief, objectIn, shown } from "./json";

it("takes objects, and says what else is wrong", () => {
  expect(objectIn('{"led": {"on": true}}')).toEqual({ object: { led: { on: true } } });
  for (const other of ["[]", "null", "4"]) expect(objectIn(other)).toEqual({ problem: null });
  expect(objectIn("{")).toMatchObject({ problem: expect.stringContaining("JSON") as string });
});

it("shows values as JSON, words with their quotes", () => {
  expect(shown({})).toBe("{}");
  expect(shown("red")).toBe('"red"');
  expect(shown(null)).toBe("null");
  expect(shown(undefined)).toBe("null");
});

it("keeps short values on one line of a table", () => {
  expect(brief({ times: 3 })).toBe('{"times":3}');
  expect(brief({ text: "long ".repeat(20) })).toContain("\n");
  expect(brief(undefined)).toBe("null");
});
