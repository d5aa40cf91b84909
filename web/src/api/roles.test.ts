import { expect, it } from "vitest";
import { isAtLeast, type Role, rolesUpTo } from "./roles";

it("lets nobody give a role above their own", () => {
  expect(rolesUpTo("viewer")).toEqual(["viewer"]);
  expect(rolesUpTo("administrator")).toEqual(["viewer", "editor", "administrator"]);
  expect(rolesUpTo("owner")).toEqual(["viewer", "editor", "administrator", "owner"]);
});

it("counts owners as administrators, and editors not", () => {
  const atLeast = (least: Role) =>
    (["viewer", "editor", "administrator", "owner"] as const).filter((role) => isAtLeast(role, least));
  expect(atLeast("administrator")).toEqual(["administrator", "owner"]);
  expect(atLeast("editor")).toEqual(["editor", "administrator", "owner"]);
});
