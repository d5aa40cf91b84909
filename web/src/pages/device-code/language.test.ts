import { expect, it } from "vitest";
import { languageOf } from "./language";

it.each([
  ["sensorium_dht/sensorium_dht.ino", "cpp"],
  ["attic.yaml", "yaml"],
  ["main.py", "python"],
  ["src/main.rs", "rust"],
  ["Cargo.toml", "ini"],
  [".cargo/config.toml", "ini"],
  ["sdkconfig.defaults", "ini"],
  ["sensorium-sensor.service", "ini"],
  ["sensorium-sensor.sh", "bash"],
  ["console.txt", null],
])("colours %s as %s", (name, language) => {
  expect(languageOf(name)).toBe(language);
});
