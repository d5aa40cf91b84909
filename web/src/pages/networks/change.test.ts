import { expect, it } from "vitest";
import type { Network } from "@/api/queries";
import { changes, differences, filledFor, merged, needsPassword } from "./change";

const attic: Network = {
  id: "1",
  name: "Attic",
  ssid: "attic-2g",
  has_password: true,
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
};
const open: Network = { ...attic, has_password: false };

it("sends only what is changed, and no password unless one is filled in", () => {
  expect(changes(attic, filledFor(attic))).toEqual({});
  expect(changes(attic, { ...filledFor(attic), name: " Loft ", ssid: " spaces count" })).toEqual({
    name: "Loft",
    ssid: " spaces count",
  });
  expect(changes(attic, { ...filledFor(attic), password: "behind the rafters" })).toEqual({ password: "behind the rafters" });
  expect(changes(attic, { ...filledFor(attic), isOpen: true, password: "forgotten" })).toEqual({ password: null });
  expect(changes(open, filledFor(open))).toEqual({});
});

it("asks for a password where none is stored and the network is not open", () => {
  expect(needsPassword(filledFor())).toBe(true);
  expect(needsPassword({ ...filledFor(), isOpen: true })).toBe(false);
  expect(needsPassword(filledFor(attic), attic)).toBe(false);
  expect(needsPassword({ ...filledFor(open), isOpen: false }, open)).toBe(true);
});

it("keeps what was filled in, and follows where nothing was", () => {
  const now: Network = { ...attic, version: 2, name: "Loft", has_password: false };
  expect(merged(attic, { ...filledFor(attic), ssid: "attic-5g" }, now)).toEqual({
    name: "Loft",
    ssid: "attic-5g",
    password: "",
    isOpen: true,
  });
  expect(merged(attic, { ...filledFor(attic), password: "behind the rafters" }, now)).toMatchObject({ isOpen: false });
  expect(merged(open, { ...filledFor(open), isOpen: false }, { ...open, version: 2 })).toMatchObject({ isOpen: false });
});

it("says what is different", () => {
  expect(differences(attic, { ...attic, version: 2, name: "Loft", has_password: false })).toEqual(["name", "has_password"]);
  expect(differences(attic, { ...attic, version: 2 })).toEqual([]);
});
