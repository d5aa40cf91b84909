import { expect, it } from "vitest";
import { codeInFragment } from "./code";

it.each([
  ["#code=ABCD-EFGH", "ABCD-EFGH"],
  ["#code=a%2Fb", "a/b"],
  ["#other=1&code=x", "x"],
  ["", ""],
  ["#code", ""],
])("reads the code out of %s", (fragment, code) => {
  expect(codeInFragment(fragment)).toBe(code);
});
