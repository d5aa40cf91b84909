import { expect, it } from "vitest";
import type { Device } from "@/api/queries";
import { changes, differences, EMPTY, formOf, isDegrees, locationOf, merged, wantedOf, wrongPair } from "./wanted";

const attic: Device = {
  id: "1",
  name: "attic",
  type: { id: "t", name: "DHT22" },
  attributes: { room: "attic", floor: "3" },
  tags: { site: "home" },
  enabled: true,
  location: { latitude: 48.2, longitude: 16.4 },
  position: null,
  writes_as: null,
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  status: { last_seen_at: null, rows: 0, messages: 0, errors: 0 },
};

it("changes nothing where nothing was filled in", () => {
  expect(changes(attic, wantedOf(formOf(attic)))).toEqual({});
  expect(wantedOf(EMPTY)).toEqual({ name: "", type: null, attributes: {}, tags: {}, location: null });
});

it("sends only what was changed", () => {
  const form = { ...formOf(attic), type: "", latitude: " ", longitude: "", tags: [{ name: " site ", value: "cabin " }, { name: "", value: "" }] };
  expect(changes(attic, wantedOf(form))).toEqual({ type: null, location: null, tags: { site: "cabin" } });
});

it("finds what is wrong with rows", () => {
  expect(wrongPair([{ name: "a", value: "" }, { name: "", value: "" }, { name: "", value: "" }])).toBeNull();
  expect(wrongPair([{ name: " ", value: "x" }])).toBe("unnamed");
  expect(wrongPair([{ name: "a", value: "1" }, { name: "a ", value: "2" }])).toEqual({ twice: "a" });
  expect([isDegrees("-33.5"), isDegrees(""), isDegrees("48,2"), isDegrees("north")]).toEqual([true, true, false, false]);
});

it("says what is different, attribute by attribute", () => {
  const now: Device = { ...attic, version: 2, type: null, enabled: false, attributes: { room: "loft" }, location: null };
  expect(differences(attic, now)).toEqual([
    { fact: "type", of: null, seen: "DHT22", now: null },
    { fact: "state", of: null, seen: true, now: false },
    { fact: "location", of: null, seen: "48.2, 16.4", now: null },
    { fact: "attributes", of: "room", seen: "attic", now: "loft" },
    { fact: "attributes", of: "floor", seen: "3", now: null },
  ]);
  expect(differences(attic, { ...attic, version: 2 })).toEqual([]);
});

it("keeps what was filled in, and follows where nothing was", () => {
  const now: Device = { ...attic, name: "loft", attributes: { room: "loft", floor: "4" }, tags: { site: "home", new: "1" } };
  const form = { ...formOf(attic), name: "mine", attributes: [{ name: "room", value: "mine" }, { name: "floor", value: "3" }], tags: [] };
  const next = wantedOf(merged(attic, form, now));
  expect(next).toMatchObject({ name: "mine", type: "t", attributes: { room: "mine", floor: "4" }, tags: { new: "1" } });
  expect(changes(now, next)).toEqual({ name: "mine", attributes: { room: "mine", floor: "4" }, tags: { new: "1" } });
});

it("takes for a place only what is one", () => {
  expect(locationOf({ latitude: "48.2", longitude: " 16.4" })).toEqual({ latitude: 48.2, longitude: 16.4 });
  expect(locationOf({ latitude: "48.2", longitude: "" })).toBeNull();
  expect(locationOf({ latitude: "91", longitude: "0" })).toBeNull();
  expect(locationOf({ latitude: "48,2", longitude: "16" })).toBeNull();
});
