// `npm run bench:scroll`: how the list of devices scrolls, filters and sorts with 10,000 of them.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { root: import.meta.dirname, include: ["devices.scroll.ts"], environment: "node", testTimeout: 300_000, hookTimeout: 120_000 },
});
