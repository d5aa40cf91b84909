import { expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { problemsOf } from "./problems";
import { unitSign } from "./units";

it("takes lines out of a refusal, and nothing out of others", () => {
  const told = [{ line: 3, problem: "there is no type X" }, { line: "4" }, null];
  expect(problemsOf(new ApiError("2 problems", 400, "invalid", { problems: told }))).toEqual([told[0]]);
  expect(problemsOf(new ApiError("no", 415, "invalid"))).toEqual([]);
  expect(problemsOf(new Error("network"))).toEqual([]);
  expect(problemsOf(null)).toEqual([]);
});

it("writes units as people do, and leaves alone what it does not know", () => {
  expect([unitSign("Cel"), unitSign("%"), unitSign("furlong"), unitSign(undefined)]).toEqual(["°C", "%", "furlong", ""]);
});
