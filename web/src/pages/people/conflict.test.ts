import { expect, it } from "vitest";
import type { Person } from "@/api/queries";
import { changes, differences, merged, wantedOf } from "./conflict";

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
  awaits_approval: false,
  class: null,
  email: null,
  email_confirmed: false,
};

it("says what is different", () => {
  expect(differences(vera, { ...vera, version: 2, role: "editor", status: "suspended" })).toEqual([
    { fact: "role", seen: "viewer", now: "editor" },
    { fact: "status", seen: "active", now: "suspended" },
  ]);
  expect(differences(vera, { ...vera, version: 2 })).toEqual([]);
  expect(differences(vera, { ...vera, version: 2, class: { id: "7", name: "Guests" } })).toEqual([
    { fact: "class", seen: "", now: "Guests" },
  ]);
});

it("keeps what was filled in, and follows where nothing was", () => {
  const now: Person = { ...vera, version: 2, name: "Vera R.", role: "editor" };
  expect(merged(vera, { name: "Vera Rubin", role: "viewer", class: null }, now)).toEqual({
    name: "Vera Rubin",
    role: "editor",
    class: null,
  });
  expect(changes(now, { name: "Vera Rubin", role: "editor", class: null })).toEqual({ name: "Vera Rubin" });
  expect(changes(vera, { name: "Vera", role: "viewer", class: null })).toEqual({});
  const guest: Person = { ...vera, class: { id: "7", name: "Guests" } };
  expect(changes(guest, { ...wantedOf(guest), class: null })).toEqual({ class: null });
  expect(merged(vera, wantedOf(vera), guest).class).toBe("7");
});
