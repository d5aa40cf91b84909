import { expect, it } from "vitest";
import { validateSearch } from "./search";

it("keeps only what it understands of an address", () => {
  expect(validateSearch({ device: "0192", more: 1 })).toEqual({ device: "0192" });
  expect(validateSearch({ device: "" })).toEqual({});
  expect(validateSearch({ device: 7 })).toEqual({});
});
