// How the page is built and, with `npm run dev`, served beside a running `sensorium serve`
// (its address in SENSORIUM_URL, http://127.0.0.1:8086 by default).
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env["SENSORIUM_URL"] ?? "http://127.0.0.1:8086";
const forwarded = ["/api/", "/ws", "/write", "/health", "/ready", "/ping", "/metrics"];

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    // A data: URL would be refused by nothing, but a file of its own is cached and counted.
    assetsInlineLimit: 0,
    manifest: true,
    // The polyfill would be an inline script, which the content security policy forbids.
    modulePreload: { polyfill: false },
    // What pages keep in their addresses is read by the router for all of them: one small file instead of ten tiny ones.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "search", test: /\/pages\/[^/]+\/search\.ts$/ }] } } },
  },
  server: {
    proxy: Object.fromEntries(forwarded.map((path) => [path, { target: server, ws: path === "/ws" }])),
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
  },
});
