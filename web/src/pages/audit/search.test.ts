import { expect, it } from "vitest";
import { csvAddress, filtersOf, fromLocal, toLocal, validateSearch } from "./search";

it("keeps what it understands of an address", () => {
  expect(
    validateSearch({ actor: "ada", action: "", q: 7, from: "2026-01-01T00:00:00Z", to: "tomorrow", page: 3, after: "1_2" }),
  ).toEqual({ actor: "ada", q: "7", from: "2026-01-01T00:00:00Z", after: "1_2" });
});

it("downloads what the filters let through, from the beginning", () => {
  const address = new URL(csvAddress(filtersOf({ actor: "a&b", q: "50 %", after: "1_2" })), "http://localhost");
  expect(address.pathname).toBe("/api/v1/audit");
  expect(Object.fromEntries(address.searchParams)).toEqual({ actor: "a&b", q: "50 %", format: "csv" });
});

it("turns a time into that of this place and back", () => {
  const time = "2026-03-29T01:30:07.000Z";
  expect(fromLocal(toLocal(time))).toBe(time);
  expect(toLocal(time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:07$/);
  expect(toLocal(undefined)).toBe("");
  expect(toLocal("nonsense")).toBe("");
  expect(fromLocal("")).toBeUndefined();
  expect(fromLocal("2026-")).toBeUndefined();
});
