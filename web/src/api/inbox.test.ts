import { expect, it } from "vitest";
import { waitingIn } from "./inbox";

it("counts those that somebody is still to decide about", () => {
  expect(waitingIn([])).toBe(0);
  expect(
    waitingIn([
      { ignored: false, adopted_as: null },
      { ignored: true, adopted_as: null },
      { ignored: false, adopted_as: "a" },
    ]),
  ).toBe(1);
});
