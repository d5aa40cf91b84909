import { expect, it } from "vitest";
import { endOf, isDays } from "./request";

it("takes whole days, or none", () => {
  for (const right of ["", " ", "1", " 30 ", "3650"]) expect(isDays(right), right).toBe(true);
  for (const wrong of ["0", "3651", "-1", "1.5", "1e2", "a", "0x10"]) expect(isDays(wrong), wrong).toBe(false);
});

it("counts the end from now", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  expect(endOf("1", now)).toEqual({ expires_at: "2026-02-01T12:00:00.000Z" });
  expect(endOf(" ", now)).toEqual({});
});
