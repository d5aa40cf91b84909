import { expect, it } from "vitest";
import { newestFirst } from "./order";

it("puts who came last first, whoever sends", () => {
  const at = (id: string, first_seen_at: string, last_seen_at: string) => ({ id, first_seen_at, last_seen_at });
  const a = at("a", "2026-01-01T00:00:00Z", "2026-01-01T00:09:00Z");
  const b = at("b", "2026-01-01T00:01:00.5Z", "2026-01-01T00:02:00Z");
  const c = at("c", "2026-01-01T00:01:00.5Z", "2026-01-01T00:03:00Z");
  expect(newestFirst([a, b, c])).toEqual([c, b, a]);
  expect(newestFirst([c, b, a])).toEqual([c, b, a]);
});
