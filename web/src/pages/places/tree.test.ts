import { expect, it } from "vitest";
import type { Place } from "@/api/queries";
import { type Branch, filtered, pathTo, treeOf } from "./tree";

const place = (id: string, parent: string | null, more: Partial<Place> = {}): Place => ({
  id,
  name: id,
  kind: parent === null ? "site" : "floor",
  parent,
  location: null,
  level: null,
  plan: null,
  devices: 0,
  version: 1,
  created_at: "2026-11-01T00:00:00Z",
  ...more,
});

const names = (branches: readonly Branch[]): unknown[] =>
  branches.map(({ place: { name }, children }) => (children.length === 0 ? name : [name, ...names(children)]));

const places = [
  place("attic", "hall", { level: 10 }),
  place("cellar", "hall", { level: -1, devices: 3 }),
  place("annex", "hall"),
  place("tower", null, { devices: 1 }),
  place("hall", "campus", { kind: "building", devices: 2 }),
  place("second", "hall", { level: 2 }),
  place("campus", null),
];

it("puts places into what they are in, floors from below", () => {
  expect(names(treeOf(places))).toEqual([["campus", ["hall", "cellar", "second", "attic", "annex"]], "tower"]);
  expect(treeOf(places).map(({ devices }) => devices)).toEqual([5, 1]);
});

it("orders names as people do, and keeps what is in something unknown", () => {
  const numbered = [place("Hall 10", null), place("Hall 9", null), place("lost", "gone")];
  expect(names(treeOf(numbered))).toEqual(["Hall 9", "Hall 10", "lost"]);
});

it("filters by name, with the way to what is found", () => {
  expect(names(filtered(treeOf(places), " CELL "))).toEqual([["campus", ["hall", "cellar"]]]);
  expect(names(filtered(treeOf(places), "hall"))).toEqual([["campus", ["hall", "cellar", "second", "attic", "annex"]]]);
  expect(filtered(treeOf(places), "nothing")).toEqual([]);
  expect(filtered(treeOf(places), " ")).toHaveLength(2);
});

it("says what a place is in", () => {
  expect(pathTo(places, place("x", "hall")).map(({ id }) => id)).toEqual(["campus", "hall"]);
  expect(pathTo(places, place("campus", null))).toEqual([]);
  const round = [place("a", "b"), place("b", "a")];
  expect(pathTo(round, place("a", "b")).map(({ id }) => id)).toEqual(["a", "b"]);
});
