import { describe, expect, it } from "vitest";
import { plain, reading, spoken, unitOf } from "./format";
import { timeLabels, valueLabels } from "./ticks";

describe("reading", () => {
  it.each([
    [0, "percent", "0.0 %"],
    [3.14159, "percent", "3.1 %"],
    [97.2, "percent", "97 %"],
    [0, "bytes", "0 B"],
    [1023, "bytes", "1,023 B"],
    [1536, "bytes", "1.5 KiB"],
    [16 * 2 ** 30, "bytes", "16 GiB"],
    [1_234_567, "bytesPerSecond", "1.23 MB/s"],
    [-1500, "bytesPerSecond", "-1.5 kB/s"],
    [21.44, "celsius", "21.4 °C"],
    [1234.5678, "number", "1,234.57"],
    [0.000012, "number", "1.200e-5"],
  ] as const)("%d as %s is %s", (value, unit, text) => {
    expect(spoken(value, unit)).toBe(text);
  });

  it("shows a dash where there is no number", () => {
    expect(reading(NaN, "percent")).toEqual({ text: "–", unit: "" });
  });

  it("does not show a negative zero", () => {
    expect(plain(-0)).toBe("0");
  });
});

describe("unitOf", () => {
  it.each([
    ["cpu", "usage_user", "percent"],
    ["mem", "available", "bytes"],
    ["mem", "used_percent", "percent"],
    ["disk", "inodes_free", "number"],
    ["net", "bytes_sent", "bytes"],
    ["room", "temperature", "celsius"],
    ["room", "co2", "number"],
  ])("%s.%s is %s", (table, field, unit) => {
    expect(unitOf(table, field)).toBe(unit);
  });
});

describe("labels", () => {
  it("share the unit of the largest tick", () => {
    expect(valueLabels([0, 500_000, 1_000_000], "bytesPerSecond")).toEqual(["0", "0.5 MB/s", "1 MB/s"]);
    expect(valueLabels([0, 25, 50], "percent")).toEqual(["0", "25%", "50%"]);
  });
  const noon = new Date(2026, 10, 23, 12).getTime();
  const later = noon + 3_600_000;
  it("show seconds only where ticks are closer than a minute", () => {
    expect(timeLabels([noon], 10_000, later)).toEqual(["12:00:00"]);
    expect(timeLabels([noon], 60_000, later)).toEqual(["12:00"]);
  });
  it("name the day at midnight, and at the first tick of another day", () => {
    const midnight = new Date(2026, 10, 24).getTime();
    expect(timeLabels([noon, midnight], 12 * 3_600_000, later)).toEqual(["12:00", "24 Nov"]);
    expect(timeLabels([noon, later], 3_600_000, midnight)).toEqual(["12:00, 23 Nov", "13:00"]);
    expect(timeLabels([noon], 86_400_000, later)).toEqual(["23 Nov"]);
  });
});
