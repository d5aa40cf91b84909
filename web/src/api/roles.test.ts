import { expect, it } from "vitest";
import { isAdministrator, rolesUpTo } from "./roles";

it("lets nobody give a role above their own", () => {
  expect(rolesUpTo("viewer")).toEqual(["viewer"]);
  expect(rolesUpTo("administrator")).toEqual(["viewer", "editor", "administrator"]);
  expect(rolesUpTo("owner")).toEqual(["viewer", "editor", "administrator", "owner"]);
});

it("counts owners as administrators, and editors not", () => {
  expect((["viewer", "editor", "administrator", "owner"] as const).filter(isAdministrator)).toEqual([
    "administrator",
    "owner",
  ]);
});
