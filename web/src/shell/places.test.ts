import { expect, it } from "vitest";
import { isFor, placesFor } from "./places";

it("leads only those who may to the pages about networks, people and changes", () => {
  const names = (role: Parameters<typeof placesFor>[0]) => placesFor(role).map(({ name }) => name);
  expect(names("editor")).not.toContain("people");
  expect(names("editor")).not.toContain("audit");
  expect(names("editor")).toContain("networks");
  expect(names("viewer")).not.toContain("networks");
  expect(names("viewer")).toContain("account");
  expect(names("editor")).not.toContain("groups");
  expect(names("administrator")).toEqual(expect.arrayContaining(["people", "groups", "audit"]));
});

it("leads guests to what may be shared with them and to their account, also on a phone", () => {
  const places = placesFor("guest");
  expect(places.map(({ name }) => name)).toEqual(["devices", "places", "map", "account"]);
  expect(places.every(({ isFrequent }) => isFrequent)).toBe(true);
  expect(placesFor("viewer").find(({ name }) => name === "devices")?.isFrequent).toBe(false);
});

it.each([
  ["/devices", true],
  ["/devices/7", true],
  ["/places/7", true],
  ["/account", true],
  ["/", false],
  ["/explore", false],
  ["/device-code", false],
  ["/groups/7", false],
  ["/mapping", false],
])("says whether %s is for guests: %s", (path, isForGuests) => {
  expect(isFor("guest", path)).toBe(isForGuests);
  expect(isFor("viewer", path)).toBe(true);
});

it("gives the bottom bar of a phone no more than it has room for", () => {
  // One more stands for all others.
  expect(placesFor("owner").filter(({ isFrequent }) => isFrequent).length).toBeLessThanOrEqual(4);
});
