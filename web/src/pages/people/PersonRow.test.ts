import { expect, it } from "vitest";
import { actionsFor } from "./PersonRow";

const link = { purpose: "invitation", created_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-04T00:00:00Z" };

it("offers what fits how a person is", () => {
  expect(actionsFor({ status: "pending", link }, false)).toEqual(["change", "invite", "revoke", "delete"]);
  expect(actionsFor({ status: "pending", link: null }, false)).toEqual(["change", "invite", "delete"]);
  expect(actionsFor({ status: "active", link: null }, false)).toEqual(["change", "reset", "factor", "suspend", "delete"]);
  expect(actionsFor({ status: "suspended", link: null }, false)).toEqual(["change", "factor", "activate", "delete"]);
});

it("offers nobody a link for their own password, nor a way around their own second factor", () => {
  expect(actionsFor({ status: "active", link: null }, true)).toEqual(["change", "suspend", "delete"]);
});
