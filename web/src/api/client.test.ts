import { afterEach, expect, it, vi } from "vitest";
import { ApiError, api, errorOf } from "./client";

afterEach(() => {
  vi.unstubAllGlobals();
});

function answer(body: string, init: ResponseInit) {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, init)));
}

it("throws the server's own sentence", async () => {
  answer(JSON.stringify({ error: "Try later.", code: "busy", extra: 1 }), { status: 429, headers: { "retry-after": "7" } });
  const error = await api.GET("/api/v1/session").then(
    () => null,
    (thrown: unknown) => thrown as ApiError,
  );
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ message: "Try later.", status: 429, code: "busy", retryAfterSeconds: 7 });
  expect(error?.details["extra"]).toBe(1);
});

it("has a sentence for an answer that is not from the server", async () => {
  const error = await errorOf(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  expect(error).toMatchObject({ status: 502, code: "internal", retryAfterSeconds: null });
  expect(error.message).toContain("502");
});

it("has a sentence for no answer at all", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(api.GET("/api/v1/session")).rejects.toMatchObject({ code: "network", status: 0 });
});
