import { expect, it } from "vitest";
import type { DeviceOnPlan, DeviceType } from "@/api/queries";
import { conditionOf, heardAt, spoken, STALE_MS, valuesOf } from "./standing";

const type: DeviceType = {
  id: "t",
  name: "Climate",
  table: "climate",
  fields: [
    { name: "temperature", display_name: "Temperature", unit: "Cel" },
    { name: "humidity", display_name: "Humidity", unit: "%" },
  ],
  version: 1,
  created_at: "2026-11-01T00:00:00Z",
};

// Columns are what they are: the document of the API cannot name them.
const series = (...rows: object[]) => rows as NonNullable<DeviceOnPlan["last"]>["series"];

const NOON = Date.parse("2026-11-01T12:00:00Z");

const lamp: DeviceOnPlan = {
  id: "1",
  name: "lamp",
  type: { id: "t", name: "Climate" },
  enabled: true,
  x: 0.5,
  y: 0.5,
  last_seen_at: "2026-11-01T11:58:00Z",
  last: {
    database: "main",
    table: "climate",
    series: series({ device: "lamp", room: "hall", humidity: 48, temperature: 21.456789, rssi: -60, time: "2026-11-01T11:59:00Z" }),
  },
};

it("shows the fields of the type, in its order, with its units", () => {
  expect(valuesOf(lamp, type).map((value) => spoken(value, "en"))).toEqual(["21.457 °C", "48 %"]);
});

it("shows numbers where the type names no fields, and no tags", () => {
  expect(valuesOf(lamp, undefined).map(({ name }) => name)).toEqual(["humidity", "temperature", "rssi"]);
  expect(valuesOf({ ...lamp, last: null }, type)).toEqual([]);
});

it("tells what is late, silent or disabled", () => {
  expect(heardAt(lamp)?.toISOString()).toBe("2026-11-01T11:59:00.000Z");
  expect(conditionOf(lamp, NOON)).toBe("fresh");
  expect(conditionOf(lamp, NOON + STALE_MS)).toBe("stale");
  expect(conditionOf({ ...lamp, last: null }, NOON)).toBe("fresh");
  expect(conditionOf({ ...lamp, last: null, last_seen_at: null }, NOON)).toBe("silent");
  expect(conditionOf({ ...lamp, enabled: false }, NOON)).toBe("disabled");
});
