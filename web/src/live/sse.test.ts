import { describe, expect, it } from "vitest";
import { eventsAddress } from "./sse";

describe("eventsAddress", () => {
  it("says in the address what a subscription says in a message", () => {
    const address = eventsAddress({ database: "main", table: "cpu", fields: ["a", "b"], tags: { cpu: "cpu0" } });
    const url = new URL(address, "http://localhost");
    expect(url.pathname).toBe("/api/v1/live");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ db: "main", table: "cpu", fields: "a,b" });
  });
});
