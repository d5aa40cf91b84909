import { expect, it } from "vitest";
import type { Group } from "@/api/groups";
import { changes, differences, fieldsOf, merged, thingsOf, wantedOf, withAll, without, withWords } from "./form";

const person = (id: string, login: string) => ({ id, login, name: "" });

const visitors: Group = {
  id: "1",
  name: "Visitors",
  description: "",
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  members: [person("a", "vera")],
  devices: [
    { id: "b", name: "lamp" },
    { id: "c", name: "door" },
  ],
  places: [],
};

it("changes only what was touched, and takes no blanks around it", () => {
  expect(changes(visitors, wantedOf(fieldsOf(visitors)))).toEqual({});
  expect(changes(visitors, wantedOf({ name: " Guests ", description: " of the fair " }))).toEqual({
    name: "Guests",
    description: "of the fair",
  });
});

it("adds to a list and takes out of it without touching the others", () => {
  expect(thingsOf(visitors, "members")).toEqual([{ id: "a", name: "vera" }]);
  expect(withAll(visitors, "devices", ["d", "b"])).toEqual({ devices: ["b", "c", "d"] });
  expect(withAll(visitors, "places", ["p"])).toEqual({ places: ["p"] });
  expect(without(visitors, "devices", "b")).toEqual({ devices: ["c"] });
  expect(without(visitors, "members", "nobody")).toEqual({ members: ["a"] });
});

it("says what somebody else changed, thing by thing, and keeps what was filled in", () => {
  const now: Group = {
    ...visitors,
    version: 2,
    name: "Guests",
    members: [person("a", "vera"), person("d", "grace")],
    devices: [{ id: "c", name: "door" }],
  };
  expect(differences(visitors, now)).toEqual([
    { fact: "name", was: "Visitors", is: "Guests" },
    { fact: "members", name: "grace", isIn: true },
    { fact: "devices", name: "lamp", isIn: false },
  ]);
  expect(differences(visitors, { ...visitors, version: 2 })).toEqual([]);
  expect(merged(visitors, { name: "Visitors", description: "of the fair" }, now)).toEqual({
    name: "Guests",
    description: "of the fair",
  });
});

it("finds by words in any of the texts", () => {
  const people = [
    { login: "vera", name: "Vera Rubin" },
    { login: "grace", name: "" },
  ];
  const found = (words: string) => withWords(people, words, ({ login, name }) => [login, name]).map(({ login }) => login);
  expect(found("")).toEqual(["vera", "grace"]);
  expect(found(" RUB ")).toEqual(["vera"]);
  expect(found("grace")).toEqual(["grace"]);
  expect(found("nobody")).toEqual([]);
});
