/** Places: a tree is added, changed and deleted; a floor gets a plan and a scale; devices are put on it, moved and taken off. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { opened } from "./support/focus";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

const PLAN = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800">
  <rect x="20" y="20" width="1160" height="760" fill="none" stroke="gray" stroke-width="8"/>
  <line x1="600" y1="20" x2="600" y2="780" stroke="gray" stroke-width="8"/>
  <line x1="600" y1="400" x2="1180" y2="400" stroke="gray" stroke-width="8"/>
</svg>`;

interface Place {
  id: string;
  name: string;
  version: number;
  plan: { metres_per_pixel: number | null } | null;
}

interface Device {
  id: string;
  name: string;
  version: number;
  position: { place: string; x: number; y: number } | null;
}

async function send<T>(method: string, path: string, body: object, status = 201): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  const response = await call(server, session, path, { method, headers, body: JSON.stringify(body) });
  expect(response.status).toBe(status);
  return (await response.json()) as T;
}

const get = async <T>(path: string) => (await (await call(server, session, path)).json()) as T;
const places = async () => (await get<{ places: Place[] }>("/api/v1/places")).places;
const device = async (name: string) => {
  const found = (await get<{ devices: Device[] }>("/api/v1/devices")).devices.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no device ${name}`);
  return found;
};
/** A floor with a plan, in a building of its own. */
async function floor(name: string): Promise<Place> {
  const building = await send<Place>("POST", "/api/v1/places", { name: `House of ${name}`, kind: "building" });
  const made = await send<Place>("POST", "/api/v1/places", { name, kind: "floor", parent: building.id, level: 0 });
  const response = await call(server, session, `/api/v1/places/${made.id}/plan?version=1`, { method: "PUT", body: PLAN });
  expect(response.status).toBe(200);
  return (await response.json()) as Place;
}

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("adds, changes and deletes places, and says why one is kept", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Places" }).click();
  await page.getByRole("heading", { name: "No places yet" }).waitFor();
  await page.getByRole("button", { name: "Add a site" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Give it a name").waitFor();
  await dialog.getByLabel("Name").fill("<b>Campus</b>");
  await dialog.getByLabel("Latitude").fill("48.2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Give both, or neither").waitFor();
  await dialog.getByLabel("Longitude").fill("16.37");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Add a building in <b>Campus</b>" }).click();
  await dialog.getByLabel("Name").fill("Library");
  await page.keyboard.press("Enter");
  for (const [name, level] of [["Reading room", "1"], ["Cellar", "-1"]] as const) {
    await page.getByRole("button", { name: "Add a floor in Library" }).click();
    await opened(page);
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Level").fill("x");
    await page.keyboard.press("Enter");
    await dialog.getByText("Write a whole number").waitFor();
    await dialog.getByLabel("Level").fill(level);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name }).waitFor();
  }
  const floors = page.getByRole("list", { name: "In Library" });
  expect(await floors.getByRole("link").allTextContents()).toEqual(["Cellar", "Reading room"]);
  await page.getByText("2 floors").waitFor();
  await page.getByRole("button", { name: "What is in Library" }).click();
  await floors.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "What is in Library" }).click();

  await page.getByRole("button", { name: "Change Library" }).click();
  const library = (await places()).find(({ name }) => name === "Library");
  if (library === undefined) throw new Error("there is no library");
  await send("PATCH", `/api/v1/places/${library.id}`, { version: 1, name: "Old library" }, 200);
  await dialog.getByLabel("Name").fill("New library");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "was “Library”, is “Old library”" }).waitFor();
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await page.getByRole("link", { name: "New library" }).waitFor();

  await page.getByRole("button", { name: "Delete New library" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("alert").filter({ hasText: "Cellar" }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Delete Cellar" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("link", { name: "Cellar" }).waitFor({ state: "detached" });
  expect((await places()).map(({ name }) => name)).toEqual(["<b>Campus</b>", "New library", "Reading room"]);
  await close();
});

it("finds a place among many by its name, which stands in the address", async () => {
  const site = await send<Place>("POST", "/api/v1/places", { name: "Venue", kind: "site" });
  for (let hall = 1; hall <= 12; hall += 1) {
    await send("POST", "/api/v1/places", { name: `Hall ${hall}`, kind: "building", parent: site.id });
  }
  const { page, close } = await open(server, { session });
  await page.goto("/places");
  await page.getByLabel("Search places").fill("hall 11");
  await page.getByRole("link", { name: "Hall 10" }).waitFor({ state: "detached" });
  expect(await page.getByRole("list", { name: "In Venue" }).getByRole("link").allTextContents()).toEqual(["Hall 11"]);
  await page.waitForURL(/q=hall/);
  await page.getByLabel("Search places").fill("nowhere");
  await page.getByRole("link", { name: "Show all places" }).click();
  await page.getByRole("link", { name: "Hall 10" }).waitFor();
  await close();
});

it("takes a plan that is picked or dropped, says what is wrong with a file, and sets the scale", async () => {
  const building = await send<Place>("POST", "/api/v1/places", { name: "Works", kind: "building" });
  const { id } = await send<Place>("POST", "/api/v1/places", { name: "Shop floor", kind: "floor", parent: building.id });
  const { page, close } = await open(server, { session, expectedErrors: /400/ });
  await page.goto(`/places/${id}`);
  await page.getByRole("heading", { name: "No plan yet" }).waitFor();
  const file = page.locator("input[type=file]");
  await file.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.getByRole("alert").filter({ hasText: "notes.txt is no picture" }).waitFor();
  await file.setInputFiles({ name: "plan.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  // The server's own words.
  await page.getByRole("alert").filter({ hasText: /PNG, a JPEG|PNG, JPEG/ }).waitFor();
  await file.setInputFiles({ name: "plan.svg", mimeType: "image/svg+xml", buffer: Buffer.from(PLAN) });
  const picture = page.getByRole("img", { name: "Plan of Shop floor" });
  await picture.waitFor();
  await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);

  await page.getByRole("button", { name: "Set the scale" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Draw a line, and write its length").waitFor();
  // From a quarter to three quarters of 1,200 pixels, and ten steps more.
  await page.getByRole("button", { name: "End of the line" }).focus();
  for (let step = 0; step < 10; step += 1) await page.keyboard.press("ArrowRight");
  await page.getByLabel("Length in metres").fill("7,2");
  await page.keyboard.press("Enter");
  await page.getByText("12 × 8 m").waitFor();
  expect((await places()).find((one) => one.id === id)?.plan?.metres_per_pixel).toBeCloseTo(0.01, 6);

  // Drawn: half of the plan's width, as seen on the screen.
  await page.getByRole("button", { name: "Set the scale" }).click();
  // The form is above the plan.
  await page.getByLabel("Length in metres").waitFor();
  const box = await picture.boundingBox();
  if (box === null) throw new Error("the plan is not seen");
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 4, { steps: 4 });
  await page.mouse.move(box.x + (box.width * 3) / 4, box.y + box.height / 4);
  await page.mouse.up();
  await page.getByLabel("Length in metres").fill("12");
  await page.keyboard.press("Enter");
  await page.getByText("24 × 16 m").waitFor();

  // Another file is dropped, which has the same size: the scale stays.
  const drop = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([content], "plan.svg", { type: "image/svg+xml" }));
    return data;
  }, PLAN.replaceAll("gray", "black"));
  for (const type of ["dragover", "drop"]) await picture.dispatchEvent(type, { dataTransfer: drop });
  const stored = () => call(server, session, `/api/v1/places/${id}/plan`).then((response) => response.text());
  await expect.poll(stored).toContain("black");
  await page.getByText("24 × 16 m").waitFor();

  await page.getByRole("button", { name: "Take the plan away" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take the plan away" }).click();
  await page.getByRole("heading", { name: "No plan yet" }).waitFor();
  await close();
});

it("puts devices on a plan with their values, moves them by mouse and by keys, and takes them off", async () => {
  const { id } = await floor("Ground");
  const fields = [
    { name: "temperature", display_name: "Temperature", unit: "Cel" },
    { name: "humidity", display_name: "Humidity", unit: "%" },
  ];
  const type = await send<{ id: string }>("POST", "/api/v1/device-types", { name: "Climate", table: "climate", fields });
  const lamp = await send<Device>("POST", "/api/v1/devices", { name: "<b>lamp</b>", type: type.id });
  await send("POST", "/api/v1/devices", { name: "idle", enabled: false, position: { place: id, x: 0.9, y: 0.9 } });
  const { secret } = await send<{ secret: string }>("POST", `/api/v1/devices/${lamp.id}/tokens`, { name: "firmware" });
  const headers = { Authorization: `Bearer ${secret}` };
  const body = "climate temperature=21.5,humidity=48";
  expect((await fetch(`${server.origin}/write?db=main`, { method: "POST", headers, body })).status).toBe(204);

  const { page, close } = await open(server, { session });
  await page.goto(`/places/${id}`);
  await page.getByRole("button", { name: "idle, Disabled" }).waitFor();
  await page.getByRole("button", { name: "Put a device here" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill("lamp");
  await dialog.getByRole("button", { name: "<b>lamp</b>" }).click();
  const marker = page.getByRole("button", { name: /^<b>lamp<\/b> 21\.5 °C Temperature, 48 % Humidity$/ });
  await marker.waitFor();
  const item = page.getByRole("list", { name: "Devices on the plan" }).getByRole("listitem").filter({ hasText: "lamp" });
  await item.getByText("Up to date").waitFor();
  await item.getByText("21.5 °C").waitFor();
  expect(await device("<b>lamp</b>")).toMatchObject({ position: { place: id, x: 0.5, y: 0.5 } });

  // It can be moved once it is chosen.
  await expect.poll(() => marker.getAttribute("aria-pressed")).toBe("true");
  // By keys: ten steps, and one that is a tenth of them.
  await marker.focus();
  for (let step = 0; step < 10; step += 1) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByRole("status").filter({ hasText: "40% from the left, 50.1% from the top" }).waitFor();
  await expect.poll(async () => (await device("<b>lamp</b>")).position).toMatchObject({ x: 0.4, y: 0.501 });
  // By mouse: to a quarter of the plan.
  const box = await page.getByRole("img", { name: "Plan of Ground" }).boundingBox();
  const sign = await marker.locator("span").first().boundingBox();
  if (box === null || sign === null) throw new Error("the plan is not seen");
  await page.mouse.move(sign.x + sign.width / 2, sign.y + sign.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 3 });
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
  await page.mouse.up();
  await expect.poll(async () => Math.abs(((await device("<b>lamp</b>")).position?.x ?? 0) - 0.25)).toBeLessThan(0.01);
  expect((await device("<b>lamp</b>")).position?.y).toBeCloseTo(0.25, 1);

  // Without the mode for it, nothing is moved: the plan is.
  await page.getByRole("button", { name: "Move devices" }).click();
  const before = await device("<b>lamp</b>");
  await marker.focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("button", { name: "Closer" }).click();
  await expect.poll(async () => (await page.getByRole("img", { name: "Plan of Ground" }).boundingBox())?.width).toBeGreaterThan(box.width * 1.4);
  await page.getByRole("button", { name: "The whole plan" }).click();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -400);
  await expect.poll(async () => (await page.getByRole("img", { name: "Plan of Ground" }).boundingBox())?.width).toBeGreaterThan(box.width * 1.5);
  const wide = await page.getByRole("img", { name: "Plan of Ground" }).boundingBox();
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 60, box.y + box.height / 2, { steps: 3 });
  await page.mouse.up();
  const dragged = async () => ((await page.getByRole("img", { name: "Plan of Ground" }).boundingBox())?.x ?? 0) - (wide?.x ?? 0);
  await expect.poll(dragged).toBeCloseTo(-60, 0);
  expect(await device("<b>lamp</b>")).toEqual(before);

  // What one looks at stands in the address; from the device, a link leads back.
  await page.getByRole("button", { name: "The whole plan" }).click();
  await marker.click();
  await page.waitForURL(new RegExp(`device=${lamp.id}`));
  await item.getByRole("link", { name: "<b>lamp</b>" }).click();
  await page.getByRole("link", { name: "Ground" }).click();
  await expect.poll(() => marker.getAttribute("aria-pressed")).toBe("true");

  await page.getByRole("button", { name: "Move devices" }).click();
  await page.getByRole("button", { name: "Take off: <b>lamp</b>" }).click();
  await marker.waitFor({ state: "detached" });
  expect((await device("<b>lamp</b>")).position).toBeNull();
  await close();
});

it("is zoomed with two fingers and moved with one", async () => {
  const { id } = await floor("Touched");
  const { page, context, close } = await open(server, { session, size: "phone" });
  await page.goto(`/places/${id}`);
  const picture = page.getByRole("img", { name: "Plan of Touched" });
  await picture.evaluate((image: HTMLImageElement) => image.decode());
  await picture.scrollIntoViewIfNeeded();
  const box = async () => (await picture.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  // The plan has no size until its frame is measured.
  await expect.poll(async () => (await box()).width).toBeGreaterThan(0);
  const before = await box();
  const [x, y] = [before.x + before.width / 2, before.y + before.height / 2];
  const fingers = await context.newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...touchPoints: { x: number; y: number }[]) =>
    fingers.send("Input.dispatchTouchEvent", { type, touchPoints: touchPoints.map((point, at) => ({ ...point, id: at })) });
  await touch("touchStart", { x: x - 30, y }, { x: x + 30, y });
  for (const apart of [40, 50, 60]) await touch("touchMove", { x: x - apart, y }, { x: x + apart, y });
  await touch("touchEnd");
  await expect.poll(async () => (await box()).width / before.width).toBeCloseTo(2, 1);
  const zoomed = await box();
  await touch("touchStart", { x, y });
  for (const step of [10, 20, 30]) await touch("touchMove", { x: x - step, y: y + step });
  await touch("touchEnd");
  await expect.poll(async () => Math.round((await box()).x - zoomed.x)).toBe(-30);
  await close();
});

it("shows viewers all of it, and lets them change nothing", async () => {
  const { id } = await floor("Upper");
  await send("POST", "/api/v1/devices", { name: "watch", position: { place: id, x: 0.2, y: 0.2 } });
  const { code } = await invite(server, session, { login: "vera", role: "viewer" });
  const vera = await accept(server, code, "stars by the hundred");
  const { page, close } = await open(server, { session: vera });
  await page.goto("/places");
  await page.getByRole("link", { name: "Upper", exact: true }).click();
  await page.getByRole("button", { name: "watch, Never heard of" }).waitFor();
  for (const name of ["Put a device here", "Move devices", "Set the scale", "Replace the plan", "Change"]) {
    expect(await page.getByRole("button", { name }).count()).toBe(0);
  }
  await page.goto("/places");
  await page.getByRole("link", { name: "Upper", exact: true }).waitFor();
  expect(await page.getByRole("button", { name: /^(Add|Change|Delete)/ }).count()).toBe(0);
  await close();
});

it("says so when there is no such place", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/places/01890000-0000-7000-8000-000000000000");
  await page.getByRole("heading", { level: 1, name: "There is no such place" }).waitFor();
  await close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];
const views = looks.flatMap((look) => sizeNames.map((size) => [look, size] as const));

it.each(views)("has no axe violation and fits the screen: %s, %s", async (look, size) => {
  const { id } = await floor(`${look} ${size}`);
  const fields = [{ name: "temperature", display_name: "Temperature", unit: "Cel" }];
  const type = await send<{ id: string }>("POST", "/api/v1/device-types", { name: `T ${look} ${size}`, table: "rooms", fields });
  const standing = [["desk", 0.2, 0.3, true], ["window", 0.7, 0.2, true], ["door", 0.8, 0.75, false]] as const;
  for (const [name, x, y, enabled] of standing) {
    await send("POST", "/api/v1/devices", { name: `${name} ${look} ${size}`, type: type.id, enabled, position: { place: id, x, y } });
  }
  const secret = await token(server, session, { can_read: true, can_write: true });
  const late = (Date.now() - 3_600_000) * 1_000_000;
  const body = `rooms,device=desk\\ ${look}\\ ${size} temperature=21.5\nrooms,device=window\\ ${look}\\ ${size} temperature=17.25 ${late}`;
  const headers = { Authorization: `Bearer ${secret}` };
  expect((await fetch(`${server.origin}/write?db=main`, { method: "POST", headers, body })).status).toBe(204);
  const { page, close } = await open(server, { session, look, size });
  const shot = async (name: string) => {
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    const folder = process.env["SENSORIUM_SHOTS"];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}-${look}-${size}.png` });
  };
  await page.goto("/places");
  await page.getByRole("link", { name: `${look} ${size}`, exact: true }).waitFor();
  await shot("places");
  await page.getByRole("link", { name: `${look} ${size}`, exact: true }).click();
  await page.getByRole("button", { name: `desk ${look} ${size} 21.5 °C Temperature`, exact: true }).waitFor();
  await page.getByRole("button", { name: `window ${look} ${size} 17.25 °C Temperature, Late` }).click();
  await page.getByRole("img", { name: /^Plan of/ }).evaluate((image: HTMLImageElement) => image.decode());
  await shot("plan");
  await page.getByRole("button", { name: "Set the scale" }).click();
  await page.getByLabel("Length in metres").waitFor();
  await shot("scale");
  await page.getByRole("button", { name: "Put a device here" }).click();
  await page.getByRole("dialog").getByRole("searchbox").waitFor();
  await shot("put");
  await close();
});
