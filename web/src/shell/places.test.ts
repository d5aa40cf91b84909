import { expect, it } from "vitest";
import { placesFor } from "./places";

it("leads only those who may to the pages about networks, people and changes", () => {
  const names = (role: Parameters<typeof placesFor>[0]) => placesFor(role).map(({ name }) => name);
  expect(names("editor")).not.toContain("people");
  expect(names("editor")).not.toContain("audit");
  expect(names("editor")).toContain("networks");
  expect(names("viewer")).not.toContain("networks");
  expect(names("viewer")).toContain("account");
  expect(names("administrator")).toEqual(expect.arrayContaining(["people", "audit"]));
});

it("gives the bottom bar of a phone no more than it has room for", () => {
  // One more stands for all others.
  expect(placesFor("owner").filter(({ isFrequent }) => isFrequent).length).toBeLessThanOrEqual(4);
});
