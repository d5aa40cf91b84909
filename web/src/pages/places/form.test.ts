import { expect, it } from "vitest";
import type { Place } from "@/api/queries";
import { changes, differences, fieldsOf, isLevel, merged, wantedOf } from "./form";

const ground: Place = {
  id: "1",
  name: "Ground",
  kind: "floor",
  parent: "2",
  location: { latitude: 48.2, longitude: 16.4 },
  level: 0,
  plan: null,
  devices: 0,
  version: 1,
  created_at: "2026-11-01T00:00:00Z",
};

it("asks only for what is changed", () => {
  expect(changes(ground, wantedOf(fieldsOf(ground)))).toEqual({});
  const form = { ...fieldsOf(ground), name: " Hall ", level: "", latitude: " ", longitude: "" };
  expect(changes(ground, wantedOf(form))).toEqual({ name: "Hall", level: null, location: null });
});

it("takes whole numbers for levels", () => {
  for (const right of ["", " ", "0", "-100", "1000", " 3 "]) expect(isLevel(right)).toBe(true);
  for (const wrong of ["1.5", "-101", "1001", "ground", "1e9"]) expect(isLevel(wrong)).toBe(false);
});

it("keeps what was filled in, and follows where nothing was", () => {
  const now: Place = { ...ground, name: "Entrance", level: 1, version: 2 };
  expect(merged(ground, { ...fieldsOf(ground), name: "Mine" }, now)).toMatchObject({ name: "Mine", level: "1", latitude: "48.2" });
  expect(merged(ground, { ...fieldsOf(ground), latitude: "47" }, { ...now, location: null })).toMatchObject({
    name: "Entrance",
    latitude: "47",
    longitude: "16.4",
  });
  expect(differences(ground, now)).toEqual([
    { fact: "name", seen: "Ground", now: "Entrance" },
    { fact: "level", seen: "0", now: "1" },
  ]);
});
