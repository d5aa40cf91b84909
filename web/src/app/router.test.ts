import { expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { worthRetrying } from "./queryClient";
import { safeReturn } from "./safeReturn";

it.each([
  ["/tokens", "/tokens"],
  ["/explore?q=1", "/explore?q=1"],
  ["https://elsewhere.example", undefined],
  ["//elsewhere.example", undefined],
  ["/\\elsewhere.example", undefined],
  ["javascript:alert(1)", undefined],
  [7, undefined],
])("after signing in, %s leads to %s", (given, path) => {
  expect(safeReturn(given)).toBe(path);
});

it("asks again only where that can help", () => {
  expect(worthRetrying(0, new ApiError("", 0, "network"))).toBe(true);
  expect(worthRetrying(0, new ApiError("", 503, "internal"))).toBe(true);
  expect(worthRetrying(0, new ApiError("", 404, "missing"))).toBe(false);
  expect(worthRetrying(2, new ApiError("", 0, "network"))).toBe(false);
});
