import { expect, it } from "vitest";
import { actionsFor } from "./PersonRow";

const link = { purpose: "invitation", created_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-04T00:00:00Z" };
const joined = { status: "active", link: null, awaits_approval: false } as const;

it("offers what fits how a person is", () => {
  expect(actionsFor({ ...joined, status: "pending", link }, false)).toEqual(["change", "invite", "revoke", "delete"]);
  expect(actionsFor({ ...joined, status: "pending" }, false)).toEqual(["change", "invite", "delete"]);
  expect(actionsFor(joined, false)).toEqual(["change", "reset", "factor", "suspend", "delete"]);
  expect(actionsFor({ ...joined, status: "suspended" }, false)).toEqual(["change", "factor", "activate", "delete"]);
});

it("offers nobody a link for their own password, nor a way around their own second factor", () => {
  expect(actionsFor(joined, true)).toEqual(["change", "suspend", "delete"]);
});

it("offers to let in, or delete, who asked to join", () => {
  expect(actionsFor({ ...joined, status: "pending", awaits_approval: true }, false)).toEqual(["approve", "delete"]);
});
