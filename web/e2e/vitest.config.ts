// End-to-end tests: the real binary, an empty data folder for each file, Debian's Chromium.
// SENSORIUM_PAGE=dist tests a newer page than the binary holds.
// SENSORIUM_BIN names the binary (else it is where `make build` puts it), CHROMIUM the browser (/usr/bin/chromium by default).
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ["*.e2e.ts"],
    environment: "node",
    // Each file has a server and a browser of its own; side by side they would only slow each other down.
    fileParallelism: false,
    testTimeout: 60_000,
    // As long as a locator waits (support/browser.ts); Vitest's own second is a guess about how fast the machine is.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
  },
});
