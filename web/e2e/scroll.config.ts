// `npm run bench:scroll`: how the list of devices scrolls, sorts and filters with 10,000 of them.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { root: import.meta.dirname, include: ["devices.scroll.ts"], environment: "node", testTimeout: 600_000, hookTimeout: 120_000 },
});
