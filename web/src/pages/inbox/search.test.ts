import { expect, it } from "vitest";
import { validateSearch, without } from "./search";

it("keeps only what it understands of an address", () => {
  expect(validateSearch({ device: "0192", more: 1 })).toEqual({ device: "0192" });
  expect(validateSearch({ device: "" })).toEqual({});
  expect(validateSearch({ device: 7 })).toEqual({});
});

it("forgets a device that is gone, and no other", () => {
  expect(without("1")({ device: "1" })).toEqual({});
  expect(without("1")({ device: "2" })).toEqual({ device: "2" });
  expect(without("1")({})).toEqual({});
});
