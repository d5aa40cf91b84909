import { expect, it } from "vitest";
import { ApiError } from "./client";
import { currentOf } from "./current";

it("takes the current state out of a change that came too late, and out of nothing else", () => {
  const current = { id: "1", version: 2 };
  expect(currentOf(new ApiError("late", 409, "conflict", { current }))).toEqual(current);
  expect(currentOf(new ApiError("the name is taken", 409, "conflict"))).toBeNull();
  expect(currentOf(new ApiError("no", 400, "invalid", { current }))).toBeNull();
  expect(currentOf(new Error("network"))).toBeNull();
});
