import { expect, it } from "vitest";
import { changesOf } from "./diff";

it("says what changed and leaves out what stayed", () => {
  expect(changesOf({ name: "Vera", role: "viewer" }, { name: "Vera", role: "editor", tokens_revoked: 2 })).toEqual([
    { path: "role", kind: "changed", before: "viewer", after: "editor" },
    { path: "tokens_revoked", kind: "added", before: null, after: "2" },
  ]);
});

it("shows what is known where there was nothing before, and what is gone", () => {
  expect(changesOf(null, { role: "owner", name: "" })).toEqual([
    { path: "role", kind: "fact", before: null, after: "owner" },
    { path: "name", kind: "fact", before: null, after: "" },
  ]);
  expect(changesOf({ keep: "30d" }, null)).toEqual([{ path: "keep", kind: "removed", before: "30d", after: null }]);
  expect(changesOf(null, null)).toEqual([]);
  expect(changesOf(undefined, undefined)).toEqual([]);
});

it("looks into facts within facts, and tells null from nothing", () => {
  expect(changesOf({ keep: { raw: null, hourly: 1 } }, { keep: { raw: 30, hourly: 1 } })).toEqual([
    { path: "keep.raw", kind: "changed", before: "null", after: "30" },
  ]);
  expect(changesOf({ tags: ["a"] }, { tags: ["a", "b"] })).toEqual([
    { path: "tags", kind: "changed", before: '["a"]', after: '["a","b"]' },
  ]);
});

it("writes points in time as such, and cuts what is very long", () => {
  expect(changesOf(null, { good_until_ms: 1_700_000_000_000, interval_ms: 5_000 })).toMatchObject([
    { after: "2023-11-14T22:13:20.000Z" },
    { after: "5000" },
  ]);
  expect(changesOf(null, { text: "x".repeat(1_000) })[0]?.after).toHaveLength(401);
});
