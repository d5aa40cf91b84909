import { expect, it } from "vitest";
import type { DeviceType } from "@/api/queries";
import { seriesOf } from "./values";

const type: DeviceType = {
  id: "1",
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  name: "DHT22",
  table: "climate",
  fields: [
    { name: "temperature", display_name: "Temperature", unit: "Cel" },
    { name: "humidity", unit: "%" },
  ],
};

it("gives values the names and units of the type, its fields first", () => {
  const row = { time: "2026-01-01T00:00:00Z", device: "attic", room: "a", battery: 3, humidity: 48, temperature: 21.5 };
  expect(seriesOf(row, type, new Set(["device", "room"]))).toEqual({
    tags: [["room", "a"]],
    time: new Date("2026-01-01T00:00:00Z"),
    values: [
      { field: "temperature", name: "Temperature", value: 21.5, unit: "°C" },
      { field: "humidity", name: "humidity", value: 48, unit: "%" },
      { field: "battery", name: "battery", value: 3, unit: "" },
    ],
  });
});

it("shows what it does not know, too", () => {
  const { time, values } = seriesOf({ time: "whenever", vector: [1, 2], on: false }, undefined, new Set());
  expect(time).toBeNull();
  expect(values.map(({ value }) => value)).toEqual(["[1,2]", false]);
});
