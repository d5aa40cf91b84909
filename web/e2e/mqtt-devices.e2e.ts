/** From the first message of a device over MQTT to its graph: it waits, is adopted, and its page shows what it says from then on. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { LISTEN, publish } from "./support/mqtt";
import { call, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

/** Messages as the tests of the decoders read them. */
const fixture = (name: string) => readFileSync(new URL(`../../crates/protocols/src/decoders/fixtures/${name}`, import.meta.url));

/** A make, one of its devices, and two messages of that. */
interface Make {
  make: string;
  /** What the device calls itself. */
  device: string;
  topic: string;
  message: string;
  /** The table and the column that are looked at. */
  table: string;
  field: string;
  /** The value in the message. */
  first: string;
  /** What the next message says instead: pieces of the first one, and the value then. */
  changes: Record<string, string>;
  then: string;
}

const makes: Make[] = [
  {
    make: "Tasmota",
    device: "shed",
    topic: "tele/shed/SENSOR",
    message: fixture("tasmota.json").toString(),
    table: "am2301",
    field: "temperature",
    first: "21",
    changes: { '"Temperature":21,': '"Temperature":22.5,' },
    then: "22.5",
  },
  {
    make: "ESPHome",
    device: "attic",
    topic: "attic/sensor/temperature/state",
    message: "21.5",
    table: "esphome_sensor",
    field: "temperature",
    first: "21.5",
    changes: { "21.5": "22.5" },
    then: "22.5",
  },
  {
    make: "Zigbee2MQTT",
    device: "ground/hall",
    topic: "zigbee2mqtt/ground/hall",
    message: fixture("zigbee2mqtt.json").toString(),
    table: "zigbee2mqtt",
    field: "temperature",
    first: "21.3",
    changes: { "21.3": "22.5" },
    then: "22.5",
  },
  {
    make: "Shelly",
    device: "shellyplus1pm-ab",
    topic: "shellyplus1pm-ab/events/rpc",
    message: fixture("shelly.json").toString(),
    table: "shelly_switch",
    field: "apower",
    first: "8.9",
    changes: { "1699999999.25": "1700000009.25", '"apower":8.9': '"apower":9.5' },
    then: "9.5",
  },
  {
    // The host that Telegraf runs on is the device.
    make: "Telegraf",
    device: "web1",
    topic: "telegraf/web1/cpu",
    message: fixture("telegraf.json").toString(),
    table: "cpu",
    field: "usage_idle",
    first: "98.5",
    changes: { "1699999999": "1700000009", "98.5": "97.5" },
    then: "97.5",
  },
  {
    make: "OwnTracks",
    device: "ann/phone",
    topic: "owntracks/ann/phone",
    message: fixture("owntracks.json").toString(),
    table: "owntracks",
    field: "batt",
    first: "81",
    changes: { "1699999999": "1700000009", '"batt":81': '"batt":80' },
    then: "80",
  },
  {
    make: "ChirpStack",
    device: "soil-2",
    topic: "application/8f/device/0102/event/up",
    message: fixture("chirpstack.json").toString(),
    table: "chirpstack",
    field: "moisture",
    first: "30",
    changes: { "22:13:19.5": "22:13:29.5", '"moisture":30': '"moisture":31' },
    then: "31",
  },
];

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let key: string;

const post = async (path: string, body: object) => {
  const headers = { "Content-Type": "application/json" };
  const response = await call(server, session, path, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${path} gave ${response.status}: ${await response.text()}`);
  return (await response.json()) as { id: string; secret: string };
};

/** A message in which pieces are others, each of which must be there. */
function changed({ message, changes }: Make): string {
  return Object.entries(changes).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, message);
}

/** The newest value of a column on the page of a device. */
const value = (page: Page, field: string, text: string) => page.getByRole("row", { name: `${field} ${text}`, exact: true });

/** Draws a column of a device, which the page holds at least two values of. */
async function draws(page: Page, { table, field, device }: Pick<Make, "table" | "field" | "device">): Promise<void> {
  const q = `SELECT time, "${field}" FROM "${table}" WHERE device = '${device}' ORDER BY time`;
  await page.goto(`/explore?${new URLSearchParams({ q, view: "chart" }).toString()}`);
  await page.getByRole("slider", { name: new RegExp(field) }).waitFor();
}

beforeAll(async () => {
  server = await fresh(["--no-host-metrics", ...LISTEN]);
  session = await setUp(server);
  key = (await post("/api/v1/tokens", { name: "workshop", can_read: false, can_write: true, for_devices: true })).secret;
  for (const { make, table, field } of makes) await post("/api/v1/device-types", { name: make, table, fields: [{ name: field }] });
});

it.each(makes)("shows what a device says that $make speaks for, from the first message to the graph", async (make) => {
  const { device, topic, message, table, field, first, then } = make;
  publish(server, key, topic, message);
  const { page, close } = await open(server, { session });
  await page.goto("/inbox");
  // The row of its messages, which follows, begins otherwise.
  await page.getByRole("row", { name: new RegExp(`^${device} MQTT main`) }).waitFor();
  await page.getByRole("link", { name: device, exact: true }).click();
  const recognised = page.getByRole("table", { name: `Table ${table}` });
  await recognised.getByRole("row", { name: `${field} float`, exact: true }).waitFor();

  await page.getByRole("button", { name: `Adopt as…: ${device}` }).click();
  const dialog = await opened(page);
  await dialog.getByLabel("Type", { exact: true }).selectOption(make.make);
  await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
  await page.getByText(`${device} is adopted.`).waitFor();
  await page.getByRole("link", { name: `Show ${device}` }).click();
  await page.getByRole("heading", { level: 1, name: device }).waitFor();
  await value(page, field, first).waitFor();

  publish(server, key, topic, changed(make));
  // It comes by itself.
  await value(page, field, then).waitFor();
  await draws(page, make);
  await close();
});

it("shows what a device says that Sparkplug B speaks for, from its birth to the graph", async () => {
  // The inbox keeps texts alone, and these are bytes: the node and its device are there before they are born.
  const { id: type } = await post("/api/v1/device-types", { name: "Press", table: "sparkplug", fields: [{ name: "temp" }] });
  await post("/api/v1/devices", { name: "edge" });
  const { id } = await post("/api/v1/devices", { name: "press", type });
  const { page, close } = await open(server, { session });
  await page.goto(`/devices/${id}`);
  await page.getByText("Nothing of this device is in the table").waitFor();
  publish(server, key, "spBv1.0/plant/NBIRTH/edge", fixture("sparkplug-nbirth.bin"));
  publish(server, key, "spBv1.0/plant/DBIRTH/edge/press", fixture("sparkplug-dbirth.bin"));
  await value(page, "temp", "0.5").waitFor();
  publish(server, key, "spBv1.0/plant/DDATA/edge/press", fixture("sparkplug-ddata.bin"));
  await value(page, "temp", "1.5").waitFor();
  await draws(page, { table: "sparkplug", field: "temp", device: "press" });
  await close();
});
