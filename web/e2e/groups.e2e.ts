/** Groups: an administrator shares a place and a device with a guest, who sees these and nothing else. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { accept, admin, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

const PLAN = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800">
  <rect x="20" y="20" width="1160" height="760" fill="none" stroke="gray" stroke-width="8"/>
</svg>`;

interface Named {
  id: string;
  name: string;
}

interface Group extends Named {
  description: string;
  version: number;
  members: { id: string; login: string }[];
  devices: Named[];
  places: Named[];
}

async function send<T>(method: string, path: string, body: object, status = 201): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  const response = await call(server, session, path, { method, headers, body: JSON.stringify(body) });
  expect(response.status).toBe(status);
  return (await response.json()) as T;
}

const groups = async () => ((await (await call(server, session, "/api/v1/groups")).json()) as { groups: Group[] }).groups;
const group = async (name: string) => {
  const found = (await groups()).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no group ${name}`);
  return found;
};

/** A building with a floor in it that has a plan. */
async function building(name: string, floor: string): Promise<{ building: Named; floor: Named }> {
  const outer = await send<Named>("POST", "/api/v1/places", { name, kind: "building" });
  const inner = await send<Named>("POST", "/api/v1/places", { name: floor, kind: "floor", parent: outer.id, level: 0 });
  const response = await call(server, session, `/api/v1/places/${inner.id}/plan?version=1`, { method: "PUT", body: PLAN });
  expect(response.status).toBe(200);
  return { building: outer, floor: inner };
}

/** A device of a type, and what writes as it. */
async function sensor(name: string): Promise<Named & { measure: (celsius: number) => Promise<void> }> {
  const fields = [{ name: "temperature", display_name: "Temperature", unit: "Cel" }];
  const type = await send<Named>("POST", "/api/v1/device-types", { name: `Type of ${name}`, table: "climate", fields });
  const device = await send<Named>("POST", "/api/v1/devices", { name, type: type.id });
  const { secret } = await send<{ secret: string }>("POST", `/api/v1/devices/${device.id}/tokens`, { name: "firmware" });
  return {
    ...device,
    async measure(celsius) {
      const headers = { Authorization: `Bearer ${secret}` };
      const body = `climate temperature=${celsius}`;
      expect((await fetch(`${server.origin}/write?db=main`, { method: "POST", headers, body })).status).toBe(204);
    },
  };
}

/** Somebody who sees only what is shared with them. */
async function guest(login: string): Promise<{ id: string; session: Session }> {
  const { id, code } = await invite(server, session, { login, role: "guest" });
  return { id, session: await accept(server, code, "by the side entrance") };
}

/** Chooses in the dialog of a section, and adds it. */
async function add(page: Page, button: string, words: string, name: RegExp): Promise<void> {
  await page.getByRole("button", { name: button, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill(words);
  const choice = dialog.getByRole("button", { name });
  await choice.click();
  await expect.poll(() => choice.getAttribute("aria-pressed")).toBe("true");
  await dialog.getByRole("button", { name: "Add 1", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

const names = (page: Page) => page.locator("[data-control=name]").allTextContents();
const link = (page: Page, name: string) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true });

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("shares a place and a device with a guest, who sees exactly these", async () => {
  const library = await building("Library", "Reading room");
  const bank = await building("Bank", "Counter");
  await send("POST", "/api/v1/devices", { name: "desk", position: { place: library.floor.id, x: 0.3, y: 0.4 } });
  const vault = await send<Named>("POST", "/api/v1/devices", { name: "vault", position: { place: bank.floor.id, x: 0.5, y: 0.5 } });
  const lamp = await sensor("lamp");
  await lamp.measure(21.5);

  const ours = await open(server, { session });
  const page = ours.page;
  await page.goto("/");
  await link(page, "Groups").click();
  await page.getByRole("heading", { name: "No groups yet" }).waitFor();
  await page.getByRole("button", { name: "Add a group" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Give it a name").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill("<b>Visitors</b>");
  await dialog.getByLabel("Description", { exact: true }).fill("Of the fair");
  await dialog.getByRole("button", { name: "Save" }).click();
  // As text, not as markup.
  await page.getByRole("heading", { level: 1, name: "<b>Visitors</b>" }).waitFor();
  await page.getByText("The group shares no place.").waitFor();
  const address = page.url();

  await add(page, "Share places", "libr", /^Library/);
  await page.getByRole("region", { name: "Places", exact: true }).getByRole("link", { name: "Library" }).waitFor();
  await add(page, "Share devices", "lamp", /^lamp/);
  await page.getByRole("region", { name: "Devices", exact: true }).getByRole("link", { name: "lamp" }).waitFor();

  await page.goto("/people");
  await page.getByRole("button", { name: "Invite" }).click();
  await dialog.getByLabel("Login").fill("gwen");
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Guest: sees only what groups share with them" }).click();
  await dialog.getByRole("button", { name: "Make the invitation" }).click();
  const invitation = (await page.getByRole("status", { name: "The link for gwen" }).textContent()) ?? "";
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("row", { name: /gwen/ }).getByText("Guest").waitFor();

  await page.goto(address);
  await add(page, "Add members", "gw", /^gwen/);
  await page.getByRole("region", { name: "Members", exact: true }).getByRole("listitem").filter({ hasText: "gwen" }).waitFor();
  await page.getByRole("link", { name: "All groups" }).click();
  const row = page.getByRole("row", { name: /Visitors/ });
  await row.waitFor();
  expect(await row.getByRole("cell").allTextContents()).toEqual(["Of the fair", "1", "1", "1"]);
  expect(await group("<b>Visitors</b>")).toMatchObject({
    members: [{ login: "gwen" }],
    devices: [{ name: "lamp" }],
    places: [{ name: "Library" }],
  });

  const theirs = await open(server, { expectedErrors: /401|404/ });
  const seen = theirs.page;
  const refused: string[] = [];
  const live: string[] = [];
  seen.on("response", (response) => {
    if (response.status() === 403) refused.push(response.url());
  });
  seen.on("request", (request) => {
    if (/\/(ws|api\/v1)\/live/.test(request.url())) live.push(request.url());
  });
  seen.on("websocket", (socket) => live.push(socket.url()));
  await seen.goto(invitation);
  await seen.getByLabel("New password", { exact: true }).fill("by the side entrance");
  await seen.keyboard.press("Enter");
  // The overview is not for guests.
  await seen.waitForURL(`${server.origin}/devices`);
  await expect.poll(() => names(seen)).toEqual(["desk", "lamp"]);
  expect(await seen.getByRole("navigation", { name: "Main" }).getByRole("link").allTextContents()).toEqual([
    "Devices",
    "Places",
    "Map",
    "Account",
  ]);
  for (const name of ["Types", "Download as CSV"]) expect(await seen.getByRole("link", { name }).count()).toBe(0);
  for (const name of ["Add a device", "Import CSV"]) expect(await seen.getByRole("button", { name }).count()).toBe(0);

  await seen.getByRole("link", { name: "lamp" }).click();
  await seen.getByRole("heading", { level: 1, name: "lamp" }).waitFor();
  const values = seen.getByRole("region", { name: "Last values" });
  await values.getByText("21.5").waitFor();
  await seen.getByText("Nothing is desired of it.").waitFor();
  expect(await seen.getByRole("region", { name: "Commands" }).count()).toBe(0);
  expect(await seen.getByRole("combobox", { name: "Database" }).count()).toBe(0);
  expect(await seen.getByRole("button", { name: /^(Edit|Delete|Disable)/ }).count()).toBe(0);
  // Without the stream, another value comes all the same.
  await lamp.measure(22.75);
  await values.getByText("22.75").waitFor();

  await link(seen, "Places").click();
  const tree = seen.getByRole("list", { name: "Places" });
  await tree.getByRole("link", { name: "Reading room" }).waitFor();
  expect(await tree.getByRole("link").allTextContents()).toEqual(["Library", "Reading room"]);
  expect(await seen.getByRole("button", { name: /^(Add|Change|Delete)/ }).count()).toBe(0);
  await tree.getByRole("link", { name: "Reading room" }).click();
  await seen.getByRole("img", { name: "Plan of Reading room" }).evaluate((image: HTMLImageElement) => image.decode());
  await seen.getByRole("button", { name: "desk, Never heard of" }).waitFor();
  await link(seen, "Map").click();
  await seen.getByText("Nothing that is shared with you has a place in the world.").waitFor();
  await link(seen, "Account").click();
  await seen.getByRole("row", { name: /this one/ }).waitFor();
  await seen.getByRole("button", { name: "Set it up…" }).waitFor();

  for (const path of ["/explore", "/tokens", "/groups", "/devices/types"]) {
    await seen.goto(path);
    await seen.getByRole("heading", { level: 1, name: "Not for guests" }).waitFor();
  }
  await seen.goto("/");
  await seen.waitForURL(`${server.origin}/devices`);
  await seen.goto(`/devices/${vault.id}`);
  await seen.getByRole("heading", { level: 1, name: "There is no such device" }).waitFor();
  await seen.goto(`/places/${bank.building.id}`);
  await seen.getByRole("heading", { level: 1, name: "There is no such place" }).waitFor();

  await page.goto(address);
  await page.getByRole("button", { name: "Take out: lamp" }).click();
  await dialog.getByText("It can be shared again.").waitFor();
  await dialog.getByRole("button", { name: "Take out" }).click();
  await page.getByText("The group shares no device by itself.").waitFor();
  await seen.goto("/devices");
  await expect.poll(() => names(seen)).toEqual(["desk"]);
  await seen.goto(`/devices/${lamp.id}`);
  await seen.getByRole("heading", { level: 1, name: "There is no such device" }).waitFor();

  expect(refused).toEqual([]);
  expect(live).toEqual([]);
  await theirs.close();
  await ours.close();
});

it("shows a guest of no group that nothing is shared with them, and whom to ask", async () => {
  const { session: outside } = await guest("olga");
  const { page, close } = await open(server, { session: outside, size: "phone" });
  for (const path of ["/devices", "/places"]) {
    await page.goto(path);
    await page.getByRole("heading", { name: "Nothing is shared with you yet" }).waitFor();
    await page.getByText(`Ask an administrator of ${admin.organisation}`).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  expect(await names(page)).toEqual([]);
  // All pages have room at the bottom.
  for (const name of ["Devices", "Places", "Map", "Account"]) expect(await link(page, name).isVisible()).toBe(true);
  expect(await page.getByRole("button", { name: "More" }).count()).toBe(0);
  await close();
});

it("shows what somebody else changed meanwhile, and loses neither change", async () => {
  const watch = await send<Named>("POST", "/api/v1/devices", { name: "watch" });
  await send<Named>("POST", "/api/v1/devices", { name: "bell" });
  const { id } = await send<Group>("POST", "/api/v1/groups", { name: "Neighbours" });
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto(`/groups/${id}`);
  await page.getByRole("button", { name: "Share devices" }).click();
  const dialog = page.getByRole("dialog");
  const bell = dialog.getByRole("button", { name: /^bell/ });
  await bell.click();
  await expect.poll(() => bell.getAttribute("aria-pressed")).toBe("true");
  const { version } = await group("Neighbours");
  await send("PATCH", `/api/v1/groups/${id}`, { version, devices: [watch.id], description: "Upstairs" }, 200);
  await dialog.getByRole("button", { name: "Add 1" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed Neighbours meanwhile" });
  await conflict.getByText("Device watch").waitFor();
  await conflict.getByText("was not in the group, is in the group").waitFor();
  await conflict.getByText("was none, is “Upstairs”").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Add anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  const devices = page.getByRole("region", { name: "Devices", exact: true });
  await devices.getByRole("link", { name: "bell" }).waitFor();
  expect(await devices.getByRole("link").allTextContents()).toEqual(["bell", "watch"]);

  await page.getByRole("button", { name: "Edit" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("Friends");
  const now = await group("Neighbours");
  await send("PATCH", `/api/v1/groups/${id}`, { version: now.version, name: "People next door" }, 200);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("was “Neighbours”, is “People next door”").waitFor();
  // What was typed stays.
  expect(await dialog.getByLabel("Name", { exact: true }).inputValue()).toBe("Friends");
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await page.getByRole("heading", { level: 1, name: "Friends" }).waitFor();
  await dialog.waitFor({ state: "detached" });
  expect(await group("Friends")).toMatchObject({ description: "Upstairs", devices: [{ name: "bell" }, { name: "watch" }] });
  await close();
});

it("finds what is in a group by words when there is much of it", async () => {
  const made: string[] = [];
  for (let hall = 1; hall <= 13; hall += 1) {
    made.push((await send<Named>("POST", "/api/v1/places", { name: `Hall ${hall}`, kind: "building" })).id);
  }
  const { id } = await send<Group>("POST", "/api/v1/groups", { name: "Caretakers", places: made });
  const { page, close } = await open(server, { session });
  await page.goto(`/groups/${id}`);
  const places = page.getByRole("region", { name: "Places", exact: true });
  await places.getByLabel("Search places").fill("hall 13");
  await places.getByRole("link", { name: "Hall 12" }).waitFor({ state: "detached" });
  expect(await places.getByRole("link").allTextContents()).toEqual(["Hall 13"]);
  await page.getByRole("button", { name: "Take out: Hall 13" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take out" }).click();
  await places.getByText("Nothing has these words in its name.").waitFor();
  await places.getByLabel("Search places").fill("");
  await places.getByRole("link", { name: "Hall 12" }).waitFor();
  expect(await places.getByRole("link").count()).toBe(12);
  expect((await group("Caretakers")).places.length).toBe(12);
  await close();
});

it("deletes a group, and asks first", async () => {
  const { id } = await send<Group>("POST", "/api/v1/groups", { name: "Passers-by" });
  const { page, close } = await open(server, { session });
  await page.goto(`/groups/${id}`);
  const dialog = page.getByRole("dialog", { name: "Delete Passers-by?" });
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("The people, the devices and the places stay.").waitFor();
  // The first Enter cancels.
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect((await groups()).map(({ name }) => name)).toContain("Passers-by");
  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL(`${server.origin}/groups`);
  await page.getByRole("link", { name: "Passers-by" }).waitFor({ state: "detached" });
  expect((await groups()).map(({ name }) => name)).not.toContain("Passers-by");
  await page.goto(`/groups/${id}`);
  await page.getByRole("heading", { level: 1, name: "There is no such group" }).waitFor();
  await close();
});

it("is for administrators", async () => {
  const { code } = await invite(server, session, { login: "edith", role: "editor" });
  const editor = await accept(server, code, "an age of innocence");
  const { page, close } = await open(server, { session: editor });
  await page.goto("/groups");
  await page.getByRole("heading", { name: "For administrators" }).waitFor();
  expect(await link(page, "Groups").count()).toBe(0);
  await close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];
const views = looks.flatMap((look) => sizeNames.map((size) => [look, size] as const));

it.each(views)("has no axe violation and fits the screen: %s, %s", async (look, size) => {
  const view = `${look} ${size}`;
  const house = await building(`House ${view}`, `Floor ${view}`);
  const meter = await sensor(`meter ${view}`);
  await meter.measure(19.25);
  await send("POST", "/api/v1/devices", { name: `door ${view}`, position: { place: house.floor.id, x: 0.2, y: 0.3 } });
  const visitor = await guest(`visitor-${look}-${size}`);
  const { id } = await send<Group>("POST", "/api/v1/groups", {
    name: `Visitors ${view}`,
    description: "Of the fair, and of everything that is shown there while it lasts",
    members: [visitor.id],
    devices: [meter.id],
    places: [house.building.id],
  });
  const check = async (page: Page) => {
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  };
  const ours = await open(server, { session, look, size });
  await ours.page.goto("/groups");
  await ours.page.getByRole("link", { name: `Visitors ${view}` }).waitFor();
  await check(ours.page);
  await ours.page.goto(`/groups/${id}`);
  await ours.page.getByRole("button", { name: `Take out: House ${view}` }).waitFor();
  await check(ours.page);
  const dialog = ours.page.getByRole("dialog");
  for (const [button, found] of [
    ["Add members", new RegExp(`^${admin.login}`)],
    ["Share devices", new RegExp(`^door ${view}`)],
    ["Share places", new RegExp(`^Floor ${view}`)],
  ] as const) {
    await ours.page.getByRole("button", { name: button }).click();
    if (button !== "Add members") await dialog.getByRole("searchbox").fill(view);
    await dialog.getByRole("button", { name: found }).click();
    await dialog.getByRole("button", { name: "Add 1" }).waitFor();
    await check(ours.page);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
  }
  await ours.close();

  const theirs = await open(server, { session: visitor.session, look, size });
  await theirs.page.goto("/devices");
  await expect.poll(() => names(theirs.page)).toEqual([`door ${view}`, `meter ${view}`]);
  await check(theirs.page);
  await theirs.page.goto(`/devices/${meter.id}`);
  await theirs.page.getByText("19.25").waitFor();
  await theirs.page.getByText("Nothing is desired of it.").waitFor();
  await check(theirs.page);
  await theirs.page.goto("/places");
  await theirs.page.getByRole("link", { name: `Floor ${view}` }).click();
  await theirs.page.getByRole("img", { name: /^Plan of/ }).evaluate((image: HTMLImageElement) => image.decode());
  await theirs.page.getByRole("button", { name: `door ${view}, Never heard of` }).waitFor();
  await check(theirs.page);
  await theirs.page.goto("/explore");
  await theirs.page.getByRole("heading", { level: 1, name: "Not for guests" }).waitFor();
  await check(theirs.page);
  await theirs.close();
});
