import { expect, it } from "vitest";
import { ApiError } from "./client";
import { needsSecondFactor } from "./secondFactor";

it("tells a code that is missing or wrong from every other refusal", () => {
  const asked = { second_factor_needed: true };
  expect(needsSecondFactor(new ApiError("send a code", 401, "unauthenticated", asked))).toBe(true);
  expect(needsSecondFactor(new ApiError("wrong password", 401, "unauthenticated"))).toBe(false);
  expect(needsSecondFactor(new ApiError("too many", 429, "busy", asked))).toBe(false);
  expect(needsSecondFactor(new Error("network"))).toBe(false);
});
