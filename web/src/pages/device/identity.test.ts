import { expect, it } from "vitest";
import { endOf, identityOf } from "./identity";

it("shows keys by their identity and certificates by the beginning of their fingerprint", () => {
  expect(identityOf({ kind: "psk", identity: "attic-1" })).toBe("attic-1");
  expect(identityOf({ kind: "x509", identity: "0a1b2c3d4e5f6789".repeat(4) })).toBe("0A:1B:2C:3D:4E:5F:67:89…");
});

it("takes the end that comes first", () => {
  const [early, late] = ["2030-01-01T00:00:00Z", "2040-01-01T00:00:00Z"];
  expect(endOf({ expires_at: null, not_after: null })).toBeNull();
  expect(endOf({ expires_at: late, not_after: null })).toEqual(new Date(late));
  expect(endOf({ expires_at: late, not_after: early })).toEqual(new Date(early));
  expect(endOf({ expires_at: early, not_after: late })).toEqual(new Date(early));
});
