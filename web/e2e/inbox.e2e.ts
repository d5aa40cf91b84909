/** The inbox: a key for devices is made, a device that is not known waits, is looked at, adopted, ignored, heard again, deleted. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let key: string;

const post = (path: string, body: object) =>
  call(server, session, path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Sends as a device; gives the status. */
const send = async (lines: string) =>
  (await fetch(`${server.origin}/write?db=main`, { method: "POST", headers: { Authorization: `Bearer ${key}` }, body: lines })).status;

interface Waiting {
  id: string;
  name: string;
}

const waiting = async () => ((await (await call(server, session, "/api/v1/inbox")).json()) as { newcomers: Waiting[] }).newcomers;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("leads to a key for devices, shows what a device sends with it, and makes the device of another name", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/inbox");
  await page.getByRole("heading", { name: "No device waits" }).waitFor();
  await page.getByText(`curl -i "${server.origin}/write?db=main"`).waitFor();
  await page.getByRole("link", { name: "Make a key for devices" }).click();
  const dialog = await opened(page);
  await dialog.getByLabel("Name").fill("workshop");
  expect(await dialog.getByLabel("What it is for").inputValue()).toBe("devices");
  expect(await dialog.getByRole("checkbox").count()).toBe(0);
  await dialog.getByLabel("Good for (days)").fill("0");
  await dialog.getByRole("button", { name: "Create the token" }).click();
  await dialog.getByText("Enter a whole number from 1 to 3650").waitFor();
  await dialog.getByLabel("Good for (days)").fill("30");
  await dialog.getByRole("button", { name: "Create the token" }).click();
  key = (await page.getByRole("status", { name: "The token “workshop”" }).textContent()) ?? "";
  await page.getByRole("button", { name: "I have copied it" }).click();
  const token = page.getByRole("row", { name: /workshop/ });
  await token.getByText("Writes for devices").waitFor();
  expect(await token.locator("time").last().getAttribute("datetime")).toMatch(/^\d{4}-/);
  await page.waitForURL((url) => url.search === "");

  expect(await send("climate,device=ESP_12AB temperature=21.5,humidity=48\nclimate,device=ESP_12AB temperature=\n")).toBe(202);
  await page.goto("/inbox");
  await page.getByRole("link", { name: "Inbox 1 device waits" }).waitFor();
  // Not the row below it, which holds its messages.
  const row = page.getByRole("row", { name: /^ESP_12AB Line protocol/ });
  await row.getByText("Line protocol").waitFor();
  for (const text of ["main", "127.0.0.1", "1 kept"]) await row.getByText(text).waitFor();
  await page.getByRole("link", { name: "ESP_12AB" }).click();
  await page.waitForURL(/\?device=/);
  const fields = page.getByRole("table", { name: /Table climate/ });
  await fields.getByRole("row", { name: "temperature float" }).waitFor();
  await fields.getByRole("row", { name: "device tag" }).waitFor();
  await page.locator("pre").getByText("temperature=21.5,humidity=48").waitFor();
  // A message that comes while one looks is there by itself.
  expect(await send("climate,device=ESP_12AB temperature=22\n".repeat(20))).toBe(202);
  await row.getByText("2 kept").waitFor();
  const whole = page.getByRole("button", { name: /^Show all/ });
  await whole.click();
  await whole.waitFor({ state: "detached" });
  expect((await page.locator("pre").first().textContent())?.match(/temperature=22/g)?.length).toBe(20);
  expect(await violations(page)).toEqual([]);

  await page.getByRole("button", { name: "Adopt as…: ESP_12AB" }).click();
  await dialog.getByLabel("Name").fill("");
  await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
  await dialog.getByText("Give it a name").waitFor();
  await dialog.getByLabel("Name").fill("Roof");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
  await page.getByText(/Roof is adopted\. \d+ readings are stored\. 1 was refused\. The reason:/).waitFor();
  await page.waitForURL((url) => url.search === "");
  await page.getByRole("heading", { name: "No device waits" }).waitFor();
  await page.getByRole("link", { name: "Inbox", exact: true }).waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("link", { name: "Show Roof" }).click();
  await page.getByRole("heading", { level: 1, name: "Roof" }).waitFor();
  await page.getByRole("region", { name: "State" }).getByText("esp_12ab").waitFor();
  expect(await send("climate,device=ESP_12AB temperature=23")).toBe(204);
  const asked = await call(server, session, "/api/v1/databases/main/last?table=climate");
  expect(await asked.text()).toContain("Roof");
  await close();
});

it("adopts with one click, and offers another name or the place of a device where the name is taken", async () => {
  expect(await send("climate,device=cellar temperature=12")).toBe(202);
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto("/inbox");
  await page.getByRole("button", { name: "Adopt cellar" }).click();
  await page.getByText("cellar is adopted. 1 reading is stored.").waitFor();
  expect(await send("climate,device=cellar temperature=12.5")).toBe(204);

  // New hardware takes the place of the cellar's; then the old one is back, and its name is taken.
  expect(await send("climate,device=ESP_NEW temperature=13")).toBe(202);
  await page.getByRole("button", { name: "Adopt as…: ESP_NEW" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("One that there is").click();
  await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
  await dialog.getByText("Choose the device whose place it takes").waitFor();
  await dialog.getByRole("searchbox").fill("cell");
  await dialog.getByRole("button", { name: "Roof" }).waitFor({ state: "detached" });
  await dialog.getByRole("button", { name: "cellar" }).click();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Adopt as cellar" }).click();
  await page.getByText("cellar is adopted. 1 reading is stored.").last().waitFor();
  await page.getByRole("heading", { name: "No device waits" }).waitFor();
  expect(await send("climate,device=ESP_NEW temperature=13")).toBe(204);

  expect(await send("climate,device=cellar temperature=11")).toBe(202);
  await page.getByRole("button", { name: "Adopt cellar" }).click();
  await dialog.getByText(/there is a device called "cellar" already/).waitFor();
  await dialog.getByLabel("Name").fill("Old cellar");
  await dialog.getByRole("button", { name: "Adopt", exact: true }).click();
  await page.getByText("Old cellar is adopted. 1 reading is stored.").waitFor();
  await close();
});

it("ignores, hears again and deletes a device; what it calls itself and sends is text", async () => {
  // Spaces and such are escaped in line protocol; the name is a tag.
  const name = "<img src=x onerror=alert(1)>";
  const lines = `climate,device=${name.replaceAll(/[ ,=]/g, (one) => `\\${one}`)} note="<script>alert(2)</script>"`;
  expect(await send(lines)).toBe(202);
  const { page, close } = await open(server, { session, size: "phone", look: "dark" });
  page.on("dialog", (shown) => {
    throw new Error(`the page ran what a device sent: ${shown.message()}`);
  });
  const [first] = await waiting();
  expect(first?.name).toBe(name);
  await page.goto(`/inbox?device=${first?.id ?? ""}`);
  await page.locator("pre").getByText("<script>alert(2)</script>").waitFor();
  expect(await page.locator("main img, main script").count()).toBe(0);
  await page.getByRole("button", { name: "More 1 device waits" }).waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);

  await page.getByRole("button", { name: `Ignore ${name}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The message that is kept of it is deleted").waitFor();
  await dialog.getByRole("button", { name: "Ignore" }).click();
  await page.getByRole("heading", { name: "Ignored" }).waitFor();
  await page.getByText("Nothing of it is kept while it is ignored.").waitFor();
  await page.getByRole("button", { name: "More", exact: true }).waitFor();
  expect(await send(lines)).toBe(403);
  expect(await overflow(page)).toBe(0);
  await page.getByRole("button", { name: `Hear again: ${name}` }).click();
  await page.getByRole("heading", { name: "Ignored" }).waitFor({ state: "detached" });
  expect(await send(lines)).toBe(202);
  await page.getByText("1 kept").waitFor();

  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(await waiting()).toHaveLength(1);
  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "No device waits" }).waitFor();
  expect(await waiting()).toHaveLength(0);
  await close();
});

it("says so when somebody else was faster", async () => {
  expect(await send("climate,device=quick temperature=1")).toBe(202);
  const { page, close } = await open(server, { session, expectedErrors: /404/ });
  await page.goto("/inbox");
  await page.getByRole("button", { name: "Delete quick" }).click();
  const [first] = await waiting();
  expect((await post(`/api/v1/inbox/${first?.id ?? ""}/adopt`, {})).status).toBe(201);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "No device waits" }).waitFor();
  await page.goto(`/inbox?device=${first?.id ?? ""}`);
  await page.getByText("This device is no longer in the inbox.").waitFor();
  await close();
});

it("shows viewers the inbox without anything to do", async () => {
  const { code } = await invite(server, session, { login: "vera", role: "viewer" });
  const viewer = await accept(server, code, "a quiet look at the stars");
  const { page, close } = await open(server, { session: viewer });
  await page.goto("/inbox");
  await page.getByText("wait here until an editor adopts them").waitFor();
  expect(await page.getByRole("link", { name: "Make a key for devices" }).count()).toBe(0);
  expect(await send("climate,device=shed temperature=7")).toBe(202);
  await page.getByRole("link", { name: "shed" }).click();
  await page.getByRole("link", { name: "Inbox 1 device waits" }).waitFor();
  await page.getByRole("table", { name: /Table climate/ }).waitFor();
  expect(await page.locator("main").getByRole("button").count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await close();
});
