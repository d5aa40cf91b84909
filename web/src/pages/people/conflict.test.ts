import { expect, it } from "vitest";
import type { Person } from "@/api/queries";
import { changes, differences, merged } from "./conflict";

const vera: Person = {
  id: "1",
  login: "vera",
  name: "Vera",
  role: "viewer",
  status: "active",
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  last_seen_at: null,
  link: null,
};

it("says what is different", () => {
  expect(differences(vera, { ...vera, version: 2, role: "editor", status: "suspended" })).toEqual([
    { fact: "role", seen: "viewer", now: "editor" },
    { fact: "status", seen: "active", now: "suspended" },
  ]);
  expect(differences(vera, { ...vera, version: 2 })).toEqual([]);
});

it("keeps what was filled in, and follows where nothing was", () => {
  const now: Person = { ...vera, version: 2, name: "Vera R.", role: "editor" };
  expect(merged(vera, { name: "Vera Rubin", role: "viewer" }, now)).toEqual({ name: "Vera Rubin", role: "editor" });
  expect(changes(now, { name: "Vera Rubin", role: "editor" })).toEqual({ name: "Vera Rubin" });
  expect(changes(vera, { name: "Vera", role: "viewer" })).toEqual({});
});
