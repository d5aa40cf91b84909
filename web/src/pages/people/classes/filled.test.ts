import { expect, it } from "vitest";
import type { PersonClass } from "@/api/queries";
import { bytesIn, changes, differences, filledFor, merged, numberIn, quotasIn } from "./filled";

const guests: PersonClass = {
  id: "7",
  name: "Guests",
  quotas: { devices: 10, points_per_second: null, retention_days: 30, storage_bytes: 1.5 * 2 ** 30 },
  people: 0,
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
};

it("takes whole numbers, and nothing for no bound", () => {
  expect(["", "  ", "0", " 12 ", "-1", "1.5", "1e3", "12345678901", "x"].map(numberIn)).toEqual([
    null,
    null,
    0,
    12,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(quotasIn(filledFor(guests))).toEqual(guests.quotas);
  expect(quotasIn(filledFor())).toEqual({
    devices: null,
    points_per_second: null,
    retention_days: null,
    storage_bytes: null,
  });
});

it("takes storage in GiB, and shows any number of bytes so that it stays what it is", () => {
  expect(["", " 2 ", "0.5", "0.1", "0", "0.0000000001", ".5", "-1", "x"].map(bytesIn)).toEqual([
    null,
    2 ** 31,
    2 ** 29,
    107374182,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  const shown = [2 ** 30, 107374182, 1.25 * 2 ** 30, 2 ** 50].map((storage_bytes) => {
    return filledFor({ ...guests, quotas: { ...guests.quotas, storage_bytes } }).storage_bytes;
  });
  expect(shown).toEqual(["1", "0.1", "1.25", "1048576"]);
  for (const storage_bytes of [1, 999, 1_000_000, 123_456_789_012, 2 ** 50 - 1]) {
    const of = { ...guests, quotas: { ...guests.quotas, storage_bytes } };
    expect(changes(of, filledFor(of))).toEqual({});
  }
});

it("changes only what was touched", () => {
  expect(changes(guests, filledFor(guests))).toEqual({});
  expect(changes(guests, { ...filledFor(guests), devices: "", name: " Visitors " })).toEqual({
    name: "Visitors",
    quotas: { devices: null },
  });
});

it("says what somebody else changed, and keeps what was filled in", () => {
  const now: PersonClass = { ...guests, version: 2, quotas: { ...guests.quotas, devices: null, retention_days: 7 } };
  expect(differences(guests, now)).toEqual([
    { fact: "devices", was: "10", is: "" },
    { fact: "retention_days", was: "30", is: "7" },
  ]);
  expect(merged(guests, { ...filledFor(guests), devices: "5" }, now)).toMatchObject({ devices: "5", retention_days: "7" });
});
