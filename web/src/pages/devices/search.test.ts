import { expect, it } from "vitest";
import { csvAddress, isFiltered, sortedBy, validateSearch } from "./search";

const TYPE = "0198c1de-0000-7000-8000-000000000001";

it("keeps what it understands of an address", () => {
  expect(validateSearch({ q: 7, type: TYPE, enabled: false, sort: "last_seen", order: "desc", after: "x", page: 2 })).toEqual({
    q: "7",
    type: TYPE,
    enabled: false,
    sort: "last_seen",
    order: "desc",
  });
  expect(validateSearch({ q: "", type: "nonsense", enabled: "maybe", sort: "colour", order: "asc" })).toEqual({});
  expect(validateSearch({ sort: "name", enabled: "true" })).toEqual({ enabled: true });
});

it("turns the order round where it was that column, and begins times with the latest", () => {
  expect(sortedBy({}, "name")).toEqual({ order: "desc" });
  expect(sortedBy({ order: "desc" }, "name")).toEqual({});
  expect(sortedBy({ q: "a", order: "desc" }, "type")).toEqual({ q: "a", sort: "type" });
  expect(sortedBy({ sort: "type" }, "last_seen")).toEqual({ sort: "last_seen", order: "desc" });
});

it("downloads what the filters let through, all of it", () => {
  const address = new URL(csvAddress({ q: "a&b", enabled: true }), "http://localhost");
  expect(address.pathname).toBe("/api/v1/devices");
  expect(Object.fromEntries(address.searchParams)).toEqual({ q: "a&b", enabled: "true", format: "csv" });
});

it("tells filters from an order", () => {
  expect(isFiltered({ sort: "type", order: "desc" })).toBe(false);
  expect(isFiltered({ enabled: false })).toBe(true);
});
