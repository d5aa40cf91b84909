/** Devices: a type is added, a device is added, writes with a token of its own, is changed, disabled and deleted; CSV; viewers. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

const send = (path: string, method: string, body: object) =>
  call(server, session, path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

interface Known {
  id: string;
  name: string;
  version: number;
  enabled: boolean;
  attributes: Record<string, string>;
  tags: Record<string, string>;
}

const list = async (query = "") =>
  ((await (await call(server, session, `/api/v1/devices${query}`)).json()) as { devices: Known[] }).devices;

const one = async (name: string) => {
  const found = (await list()).find((device) => device.name === name);
  if (found === undefined) throw new Error(`there is no device ${name}`);
  return found;
};

const add = async (body: object) => {
  const response = await send("/api/v1/devices", "POST", body);
  expect(response.status).toBe(201);
  return (await response.json()) as Known;
};

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("adds a type and a device, which writes with a token of its own until it is disabled", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/devices");
  await page.getByText("No devices yet").waitFor();
  await page.getByRole("link", { name: "Types" }).click();
  await page.getByText("No types yet").waitFor();
  await page.getByRole("button", { name: "Add the type DHT22" }).click();
  await page.getByRole("row", { name: /DHT22/ }).getByText("°C").waitFor();
  expect(await page.getByRole("button", { name: "Add the type DHT22" }).count()).toBe(0);

  await page.getByRole("link", { name: "All devices" }).click();
  await page.getByRole("button", { name: "Add a device" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Add the device" }).click();
  await dialog.getByText("Give it a name").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill("<b>attic</b>");
  await dialog.getByLabel("Type", { exact: true }).selectOption("DHT22");
  await dialog.getByRole("button", { name: "Add a row to Attributes" }).click();
  await dialog.getByLabel("Value 1 of Attributes").fill("under the roof");
  await dialog.getByRole("button", { name: "Add the device" }).click();
  await dialog.getByText("Name each value").waitFor();
  await dialog.getByLabel("Name 1 of Attributes").fill("room");
  await dialog.getByRole("button", { name: "Add the device" }).click();

  await page.getByRole("heading", { level: 1, name: "<b>attic</b>" }).waitFor();
  await page.getByText("under the roof").waitFor();
  await page.getByText("Nothing of this device is in the table").waitFor();
  expect(await one("<b>attic</b>")).toMatchObject({ attributes: { room: "under the roof" } });

  await page.getByRole("button", { name: "New API token" }).click();
  await dialog.getByRole("button", { name: "Create the API token" }).click();
  await dialog.getByText("Say where it will be").waitFor();
  await dialog.getByLabel("Name").fill("firmware");
  await dialog.getByLabel("Expires").fill("2100-01-01T00:00");
  await dialog.getByRole("button", { name: "Create the API token" }).click();
  const secret = (await page.getByRole("status", { name: "The API token “firmware”" }).textContent()) ?? "";
  expect(secret).toMatch(/^sen_/);
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("row", { name: /firmware.*2100/ }).waitFor();
  await expect.poll(() => page.content()).not.toContain(secret);

  const { types } = (await (await call(server, session, "/api/v1/device-types")).json()) as { types: { table: string }[] };
  const table = types[0]?.table ?? "";
  const write = async () => {
    const headers = { Authorization: `Bearer ${secret}` };
    const body = `${table} temperature=21.5,humidity=48`;
    return (await fetch(`${server.origin}/write?db=main`, { method: "POST", headers, body })).status;
  };
  expect(await write()).toBe(204);
  // The state comes by itself.
  await page.getByRole("row", { name: /Temperature 21\.5 °C/ }).waitFor();
  const facts = page.getByRole("region", { name: "State" });
  await facts.getByText(/Rows accepted\s*1$/).waitFor();

  await page.getByRole("button", { name: "Disable" }).click();
  await dialog.getByRole("button", { name: "Disable" }).click();
  await facts.getByText("Disabled").waitFor();
  expect(await write()).toBe(401);
  await page.getByRole("button", { name: "Enable" }).click();
  await dialog.getByRole("button", { name: "Enable" }).click();
  await facts.getByText("Enabled").waitFor();
  expect(await write()).toBe(204);
  await page.getByRole("button", { name: "Revoke firmware" }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await write()).toBe(204);
  await page.getByRole("button", { name: "Revoke firmware" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("It has no API token").waitFor();
  expect(await write()).toBe(401);
  await close();
});

it("shows the server's refusal to delete a type that devices have", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto("/devices/types");
  await page.getByRole("button", { name: "Add the type BME280" }).click();
  // It takes its place above the other.
  await page.getByRole("row", { name: /BME280/ }).waitFor();
  await page.getByRole("button", { name: "Delete DHT22" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("alert").filter({ hasText: "<b>attic</b>" }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Delete BME280" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Add the type BME280" }).waitFor();
  await close();
});

it("shows what somebody else changed meanwhile, and lets the person choose", async () => {
  const { id } = await add({ name: "cellar", attributes: { room: "cellar", floor: "-1" }, tags: { site: "home" } });
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto(`/devices/${id}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const dialog = await opened(page);
  await dialog.getByLabel("Name", { exact: true }).fill("wine cellar");
  await dialog.getByLabel("Value 1 of Tags").fill("cabin");
  const other = { version: 1, attributes: { room: "deep cellar", floor: "-1" }, tags: { site: "home", new: "yes" } };
  expect((await send(`/api/v1/devices/${id}`, "PATCH", other)).status).toBe(200);
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed cellar meanwhile" });
  await conflict.getByText("was “cellar”, is “deep cellar”").waitFor();
  await conflict.getByText("was none, is “yes”").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("heading", { level: 1, name: "wine cellar" }).waitFor();
  // What was typed stays, what nobody touched here follows.
  expect(await one("wine cellar")).toMatchObject({
    attributes: { room: "deep cellar", floor: "-1" },
    tags: { site: "cabin", new: "yes" },
  });

  await page.getByRole("button", { name: "Delete" }).click();
  // It is about the device as it was when it was drawn.
  await dialog.waitFor();
  const { version } = await one("wine cellar");
  expect((await send(`/api/v1/devices/${id}`, "PATCH", { version, enabled: false })).status).toBe(200);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("was Enabled, is Disabled").waitFor();
  await dialog.getByRole("button", { name: "Delete anyway" }).click();
  await page.waitForURL(`${server.origin}/devices`);
  await page.getByRole("row", { name: /attic/ }).waitFor();
  expect((await list()).map(({ name }) => name)).toEqual(["<b>attic</b>"]);
  await close();
});

it("finds, sorts and scrolls through devices, and keeps filters and order in the address", async () => {
  const names = Array.from({ length: 620 }, (_, index) => `node ${String(index).padStart(3, "0")}`);
  const csv = ["name,enabled,tags", ...names.map((name, index) => `${name},${index % 2 === 0},"{""site"":""field""}"`)].join("\n");
  const headers = { "Content-Type": "text/csv" };
  expect((await call(server, session, "/api/v1/devices/import", { method: "POST", headers, body: csv })).status).toBe(200);
  const { page, close } = await open(server, { session });
  await page.goto("/devices?q=node&type=nonsense&colour=red");
  const rows = page.getByRole("rowheader");
  const table = page.getByRole("table", { name: "Devices" });
  await page.getByRole("link", { name: "node 000" }).waitFor();
  // Only what is in sight is in the page; a screen reader hears how many there are, once that is known.
  expect(await rows.count()).toBeLessThan(80);
  const loadAll = () =>
    expect
      .poll(async () => {
        await page.keyboard.press("End");
        return table.getAttribute("aria-rowcount");
      })
      .toBe("621");
  await loadAll();
  await page.keyboard.press("End");
  await page.getByRole("link", { name: "node 619" }).waitFor();
  expect(await rows.count()).toBeLessThan(80);
  expect(await page.getByRole("row", { name: /node 619/ }).getAttribute("aria-rowindex")).toBe("621");
  expect(await violations(page)).toEqual([]);

  // The arrows go from row to row, and the focus stays in the page however far one scrolls.
  await page.getByRole("link", { name: "node 619" }).focus();
  // All keys come before the list can be drawn anew; none of them is lost.
  await page.evaluate(() => {
    for (let key = 0; key < 60; key += 1) {
      document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }));
    }
  });
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  expect(await focused()).toBe("node 559");
  await page.evaluate(() => {
    window.scrollTo(0, 0);
  });
  await page.getByRole("link", { name: "node 000" }).waitFor();
  expect(await focused()).toBe("node 559");
  await page.keyboard.press("ArrowDown");
  expect(await focused()).toBe("node 560");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "node 560" }).waitFor();
  await page.goBack();
  await page.getByRole("link", { name: "node 560" }).waitFor();

  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await page.waitForURL(/order=desc/);
  await expect.poll(() => rows.first().textContent()).toBe("node 619");
  expect(await page.getByRole("columnheader", { name: "Name" }).getAttribute("aria-sort")).toBe("descending");
  // The other order loads on, too.
  await loadAll();

  await page.getByLabel("Text").fill("field");
  await page.getByLabel("State").selectOption("Disabled");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.waitForURL(/enabled=false/);
  await expect.poll(() => table.getAttribute("aria-rowcount")).toBe("311");
  expect(await focused()).toBe("Filter");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("sensorium-devices.csv");
  const csvText = await readFile(await download.path(), "utf8");
  expect(csvText.trim().split("\n")).toHaveLength(311);

  await page.getByLabel("Text").fill("nowhere");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.goBack();
  await expect.poll(() => table.getAttribute("aria-rowcount")).toBe("311");
  expect(await page.getByLabel("Text").inputValue()).toBe("field");
  expect(await page.getByLabel("State").inputValue()).toBe("false");
  await page.getByRole("button", { name: "Clear" }).click();
  await page.waitForURL(/devices$/);
  await expect.poll(() => page.getByLabel("State").inputValue()).toBe("");
  expect(await page.getByLabel("Text").inputValue()).toBe("");
  await close();
});

it("changes many devices, and says what was done and what was not", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /409|400/ });
  await page.goto("/devices?q=node+00");
  await page.getByRole("link", { name: "node 009" }).waitFor();
  const dialog = page.getByRole("dialog");
  const bar = page.getByRole("region", { name: "Chosen devices" });
  await page.getByRole("checkbox", { name: "Choose node 002" }).check();
  await page.getByRole("checkbox", { name: "Choose node 005" }).click({ modifiers: ["Shift"] });
  await bar.getByText("4 devices are chosen").waitFor();
  await bar.getByRole("button", { name: "Disable" }).click();
  await dialog.getByRole("button", { name: "Disable" }).click();
  // Every second one was so before.
  await dialog.getByText("2 devices are changed.").waitFor();
  await dialog.getByText("2 were so already.").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "detached" });
  expect((await list("?q=node+00")).filter(({ enabled }) => !enabled).map(({ name }) => name)).toEqual(
    ["001", "002", "003", "004", "005", "007", "009"].map((number) => `node ${number}`),
  );

  // The list has followed.
  await page.getByRole("row", { name: /node 002.*Disabled/ }).waitFor();
  await bar.getByRole("button", { name: "Set a tag" }).click();
  await dialog.getByRole("button", { name: "Set a tag" }).click();
  await dialog.getByText("Name the tag").waitFor();
  await dialog.getByLabel("Name of the tag").fill("floor");
  await dialog.getByLabel("Value").fill("3");
  // Somebody else changes one of them meanwhile; the tag is added to what it is by then.
  const three = await one("node 003");
  const meanwhile = { version: three.version, tags: { site: "moved" }, enabled: true };
  expect((await send(`/api/v1/devices/${three.id}`, "PATCH", meanwhile)).status).toBe(200);
  await dialog.getByRole("button", { name: "Set a tag" }).click();
  await dialog.getByText("4 devices are changed.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "detached" });
  expect(await one("node 003")).toMatchObject({ tags: { site: "moved", floor: "3" } });

  // A deletion that comes too late is refused, and the account says which.
  await page.getByRole("row", { name: /node 003.*Enabled/ }).waitFor();
  await bar.getByText("4 devices are chosen").waitFor();
  await bar.getByRole("button", { name: "Delete" }).click();
  // The dialog keeps what the list knew of them.
  await dialog.waitFor();
  const four = await one("node 004");
  expect((await send(`/api/v1/devices/${four.id}`, "PATCH", { version: four.version, tags: {} })).status).toBe(200);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("3 devices are changed.").waitFor();
  await dialog.getByText("1 failed.").waitFor();
  await dialog.getByRole("row", { name: /node 004/ }).waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await expect.poll(async () => (await list("?q=node+00")).map(({ name }) => name)).toEqual(
    ["000", "001", "004", "006", "007", "008", "009"].map((number) => `node ${number}`),
  );
  await close();
});

it("checks a CSV file, says what is wrong with its lines, and imports it when it is right", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /400/ });
  await page.goto("/devices?q=import");
  await page.getByRole("button", { name: "Import CSV" }).click();
  const dialog = page.getByRole("dialog");
  const file = (text: string) => ({ name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(text, "latin1") });
  const take = dialog.getByRole("button", { name: "Import", exact: true });
  await dialog.getByLabel("CSV file").setInputFiles(file("name,type,enabled\nimport 1,,maybe\nimport\xff,,\nimport 3,,\n"));
  await dialog.getByRole("row", { name: /^2 .*maybe/ }).waitFor();
  // The bytes arrive as they are.
  await dialog.getByRole("row", { name: /^3 .*UTF-8/ }).waitFor();
  expect(await take.isDisabled()).toBe(true);
  expect(await violations(page)).toEqual([]);
  await dialog.getByLabel("CSV file").setInputFiles(file("name,type\nimport 1,dht22\nimport 2,\n"));
  await dialog.getByText(/New\s*2/).waitFor();
  expect(await list("?q=import")).toEqual([]);
  await take.click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("row", { name: /import 1 DHT22/ }).waitFor();
  expect(await list("?q=import")).toHaveLength(2);
  await close();
});

it("shows viewers the devices and changes nothing for them", async () => {
  const { code } = await invite(server, session, { login: "vera", role: "viewer" });
  const vera = await accept(server, code, "a notion of her own");
  const { page, close } = await open(server, { session: vera, size: "phone" });
  await page.goto("/devices?q=import");
  await page.getByRole("link", { name: "import 1" }).waitFor();
  expect(await page.getByRole("button", { name: /Add a device|Import/ }).count()).toBe(0);
  await page.getByRole("link", { name: "import 1" }).click();
  await page.getByRole("heading", { level: 1, name: "import 1" }).waitFor();
  await page.getByRole("region", { name: "State" }).getByText("DHT22").waitFor();
  expect(await page.getByRole("button", { name: /Edit|Delete|Disable|API token/ }).count()).toBe(0);
  expect(await overflow(page)).toBe(0);
  await page.goto("/devices/types");
  await page.getByRole("row", { name: /DHT22/ }).waitFor();
  expect(await page.getByRole("button", { name: /Delete|Add/ }).count()).toBe(0);
  await close();
});

it("says so when a device is gone or the list cannot be loaded", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /40[34]/ });
  await page.goto("/devices/0198c1de-0000-7000-8000-000000000001");
  await page.getByRole("heading", { name: "There is no such device" }).waitFor();
  await page.route("**/api/v1/devices?**", (route) =>
    route.fulfill({ status: 403, json: { error: "this credential may not see devices", code: "denied" } }),
  );
  await page.goto("/devices");
  await page.getByRole("alert").filter({ hasText: "this credential may not see devices" }).waitFor();
  await close();
});
