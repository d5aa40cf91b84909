import { describe, expect, it } from "vitest";
import { backoffMs } from "./backoff";

describe("backoffMs", () => {
  it("doubles from half a second to thirty, jitter within the upper half", () => {
    for (const failures of [1, 2, 3, 6, 7, 40, 5000]) {
      const full = Math.min(30_000, 500 * 2 ** Math.min(failures, 16));
      expect(backoffMs(failures, () => 0)).toBe(Math.max(500, full / 2));
      expect(backoffMs(failures, () => 1)).toBe(full);
    }
  });
});
