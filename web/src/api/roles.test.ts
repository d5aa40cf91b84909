import { expect, it } from "vitest";
import { isAtLeast, isEditor, isGuest, type Role, rolesUpTo } from "./roles";

it("lets nobody give a role above their own", () => {
  expect(rolesUpTo("guest")).toEqual(["guest"]);
  expect(rolesUpTo("viewer")).toEqual(["guest", "viewer"]);
  expect(rolesUpTo("administrator")).toEqual(["guest", "viewer", "editor", "administrator"]);
  expect(rolesUpTo("owner")).toEqual(["guest", "viewer", "editor", "administrator", "owner"]);
});

it("counts owners as administrators, and editors not", () => {
  const atLeast = (least: Role) =>
    (["guest", "viewer", "editor", "administrator", "owner"] as const).filter((role) => isAtLeast(role, least));
  expect(atLeast("administrator")).toEqual(["administrator", "owner"]);
  expect(atLeast("editor")).toEqual(["editor", "administrator", "owner"]);
  expect(atLeast("viewer")).toEqual(["viewer", "editor", "administrator", "owner"]);
});

it("takes a guest for less than a viewer", () => {
  expect(isGuest("guest")).toBe(true);
  expect(isEditor("guest")).toBe(false);
  expect(isGuest("viewer")).toBe(false);
});
