/** The map: places and devices with a location, clusters, a list of what is in sight; and places chosen on it. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { opened } from "./support/focus";
import { call, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile({ webgl: true });
let server: Sensorium;
let session: Session;

interface Located {
  id: string;
  name: string;
  location: { latitude: number; longitude: number } | null;
}

const post = async (path: string, body: object) => {
  const headers = { "Content-Type": "application/json" };
  const response = await call(server, session, path, { method: "POST", headers, body: JSON.stringify(body) });
  expect(response.status).toBe(201);
  return (await response.json()) as Located;
};
const get = async <T>(path: string) => (await (await call(server, session, path)).json()) as T;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

/** The map is drawn, with its countries. */
const drawn = async (page: Page) => {
  await page.locator("[data-ready=true]").waitFor();
};

it("says why it is empty", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/map");
  await page.getByRole("heading", { name: "Nothing is on the map yet" }).waitFor();
  await close();
});

it("takes a place from the map for a device and for a site; what is typed counts as well", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/devices");
  await page.getByRole("button", { name: "Add a device" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("buoy");
  await dialog.getByRole("button", { name: "Choose on a map" }).click();
  await drawn(page);
  const canvas = dialog.getByRole("region", { name: "Map: click where the device is" });
  await canvas.click();
  await expect.poll(() => dialog.getByLabel("Latitude").inputValue()).toMatch(/^-?\d/);
  expect(await violations(page)).toEqual([]);
  const seen = Number(await dialog.getByLabel("Latitude").inputValue());
  await dialog.getByRole("button", { name: "Add the device" }).click();
  await page.getByRole("heading", { level: 1, name: "buoy" }).waitFor();
  const { devices } = await get<{ devices: Located[] }>("/api/v1/devices");
  expect(devices[0]?.location?.latitude).toBe(seen);

  await page.goto("/places");
  await page.getByRole("button", { name: "Add a site" }).click();
  await opened(page);
  await dialog.getByLabel("Name", { exact: true }).fill("Campus");
  await dialog.getByLabel("Latitude").fill("48.2");
  await dialog.getByLabel("Longitude").fill("16.37");
  await dialog.getByRole("button", { name: "Choose on a map" }).click();
  await drawn(page);
  // It begins at what is typed; without a mouse, the middle is taken.
  await dialog.getByRole("button", { name: "Take the middle of the map" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Campus", exact: true }).waitFor();
  const { places } = await get<{ places: Located[] }>("/api/v1/places");
  expect(places[0]?.location?.latitude).toBeCloseTo(48.2, 1);
  expect(places[0]?.location?.longitude).toBeCloseTo(16.37, 1);
  await close();
});

it("shows clusters that open, what is in sight, and keeps the view in the address", async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    const location = { latitude: 59.3 + turn / 500, longitude: 18.05 + turn / 500 };
    await post("/api/v1/devices", { name: `float ${turn}`, location, enabled: turn > 0 });
  }
  await post("/api/v1/places", { name: "Depot", kind: "building", location: { latitude: -33.9, longitude: 151.2 } });
  const { page, close } = await open(server, { session });
  await page.goto("/map?at=59.3,18,5");
  await drawn(page);
  const cluster = page.getByRole("button", { name: "5 close together: look closer" });
  await cluster.waitFor();
  await page.getByRole("heading", { name: "5 in sight" }).waitFor();
  // As one does with a keyboard.
  await cluster.focus();
  await page.keyboard.press("Enter");
  await cluster.waitFor({ state: "detached" });
  await expect.poll(() => Number(/at=[^,]+,[^,]+,([\d.]+)/.exec(decodeURIComponent(page.url()))?.[1])).toBeGreaterThan(6);
  await page.goto("/map?at=59.304,18.054,13");
  await drawn(page);
  await page.getByRole("link", { name: "float 0 (Disabled)" }).waitFor();
  const list = page.getByRole("region", { name: "5 in sight" });
  await list.getByText("Disabled").waitFor();
  const point = page.getByRole("link", { name: "float 3" }).first();
  await point.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "float 3" }).waitFor();

  await page.goto("/map?at=-33.9,151.2,6");
  await page.getByRole("region", { name: "1 in sight" }).getByText("Building").waitFor();
  await page.getByRole("link", { name: "Depot" }).first().click();
  await page.getByRole("heading", { level: 1, name: "Depot" }).waitFor();
  await close();
});

it("draws countries with a worker of this server, under its content security policy", async () => {
  const { page, close } = await open(server, { session });
  const workers: string[] = [];
  page.on("worker", (worker) => workers.push(worker.url()));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const response = await page.goto("/map?at=48,10,4");
  expect(response?.headers()["content-security-policy"]).toContain("worker-src 'self';");
  await drawn(page);
  await expect.poll(() => asked.filter((url) => /countries-50m/.test(url)).length).toBe(1);
  expect(workers.length).toBeGreaterThan(0);
  for (const url of workers) expect(new URL(url).origin).toBe(server.origin);
  expect(asked.filter((url) => !url.startsWith(server.origin) && !url.startsWith("blob:"))).toEqual([]);
  await close();
});

it("says so in a browser that cannot draw it, and lists what there is all the same", async () => {
  const { page, close } = await open(server, { session });
  await page.addInitScript("HTMLCanvasElement.prototype.getContext = () => null");
  await page.goto("/map");
  await page.getByText("This browser cannot draw the map").waitFor();
  await page.getByRole("link", { name: "Depot" }).waitFor();
  await close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];
const views = looks.flatMap((look) => sizeNames.map((size) => [look, size] as const));

it.each(views)("has no axe violation and fits the screen: %s, %s", async (look, size) => {
  const name = `Yard ${look} ${size}`;
  await post("/api/v1/places", { name, kind: "site", location: { latitude: 47 + views.findIndex((view) => view.join() === [look, size].join()) * 2, longitude: 12 } });
  await post("/api/v1/devices", { name: `gate ${look} ${size}`, enabled: false, location: { latitude: 50, longitude: 22 } });
  const { page, close } = await open(server, { session, look, size });
  await page.goto("/map?at=52,14,3");
  await drawn(page);
  await page.getByRole("link", { name }).first().waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  const folder = process.env["SENSORIUM_SHOTS"];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/map-${look}-${size}.png` });
  await close();
});
