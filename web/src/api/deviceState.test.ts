import { expect, it } from "vitest";
import { pollMs } from "./deviceState";

const now = Date.parse("2026-01-01T00:10:00Z");
const command = (status: "queued" | "delivered" | "answered" | "failed" | "expired", created_at: string) => ({ status, created_at });

it("asks often while an answer may come at any moment, and seldom when none can", () => {
  expect(pollMs(undefined, now)).toBe(15_000);
  expect(pollMs([command("answered", "2026-01-01T00:09:59Z"), command("expired", "2026-01-01T00:09:59Z")], now)).toBe(15_000);
  expect(pollMs([command("queued", "2026-01-01T00:09:00Z")], now)).toBe(1_000);
  expect(pollMs([command("delivered", "2026-01-01T00:01:00Z"), command("failed", "2026-01-01T00:09:59Z")], now)).toBe(5_000);
});
