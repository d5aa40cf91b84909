import { afterEach, expect, it, vi } from "vitest";
import { download } from "./query";

afterEach(() => {
  vi.unstubAllGlobals();
});

it("says that an answer that breaks off most likely met a limit, not that the server is gone", async () => {
  const broken = new Response(
    new ReadableStream({
      start(controller) {
        controller.error(new TypeError("network error"));
      },
    }),
  );
  vi.stubGlobal("fetch", () => Promise.resolve(broken));
  const answer = download({ database: "main", sql: "SELECT 1" }, "csv");
  await expect(answer).rejects.toMatchObject({ code: "broken_off" });
  await expect(answer).rejects.toThrow(/limit/);
});
