import { expect, it } from "vitest";
import { mayWithdraw } from "./rights";

it("lets authors take back what is not accepted, and administrators also accepted templates", () => {
  for (const status of ["waiting", "returned"] as const) {
    expect(mayWithdraw({ kind: "type", status, own: true }, false)).toBe(true);
    expect(mayWithdraw({ kind: "template", status, own: false }, false)).toBe(false);
    expect(mayWithdraw({ kind: "type", status, own: false }, true)).toBe(true);
  }
  expect(mayWithdraw({ kind: "template", status: "accepted", own: true }, false)).toBe(false);
  expect(mayWithdraw({ kind: "template", status: "accepted", own: false }, true)).toBe(true);
  // A type that is made is changed with the types.
  expect(mayWithdraw({ kind: "type", status: "accepted", own: true }, true)).toBe(false);
  expect(mayWithdraw({ kind: "template", status: "withdrawn", own: true }, true)).toBe(false);
});
