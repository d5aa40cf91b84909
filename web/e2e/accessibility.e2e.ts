/** Every page and dialog, light and dark, on a desktop and a phone: no axe violation, nothing wider than the screen. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { sizes, browserOfFile } from "./support/browser";
import { admin, call, fresh, invite, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
let unset: Sensorium;
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  unset = await fresh(["--no-host-metrics"]);
  server = await fresh();
  session = await setUp(server);
  const secret = await token(server, session, { can_read: true, can_write: true });
  const body = "room,place=kitchen temperature=21.5,humidity=48\nroom,place=attic temperature=17.25\nnot a line";
  await invite(server, session, { login: "vera", name: "Vera <b>Rubin</b>", role: "viewer" });
  for (const [name, password] of [
    ["Attic", "under the roof"],
    ["A café next door", null],
  ] as const) {
    await call(server, session, "/api/v1/networks", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name, ssid: `${name.slice(0, 20)} 2g`, password }),
    });
  }
  await fetch(`${server.origin}/write?db=main`, { method: "POST", headers: { Authorization: `Bearer ${secret}` }, body });
  const json = async (path: string, given: object) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await call(server, session, path, { method: "POST", headers, body: JSON.stringify(given) });
    return (await answer.json()) as { id: string };
  };
  const fields = [{ name: "temperature", display_name: "Temperature", unit: "Cel" }];
  const type = await json("/api/v1/device-types", { name: "Room sensor", table: "room", fields });
  const lamp = await json("/api/v1/devices", { name: "lamp", type: type.id, attributes: { room: "hall" }, tags: { site: "home" } });
  await json(`/api/v1/devices/${lamp.id}/tokens`, { name: "firmware" });
  await json("/api/v1/groups", { name: "Visitors <b>", description: "Of the fair", devices: [lamp.id] });
  const rights = { can_read: false, can_write: true, for_devices: true };
  const made: unknown = await json("/api/v1/tokens", { name: "workshop", ...rights });
  const key = made as { secret: string; token: { id: string } };
  await fetch(`${server.origin}/write?db=main`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key.secret}` },
    body: `room,device=ESP_12AB temperature=21.5,note="${"long ".repeat(200)}"`,
  });
  await call(server, session, `/api/v1/tokens/${key.token.id}`, { method: "DELETE" });
});

/** Opens a state of the page that has more on it than its address says. */
type Step = (page: Page) => Promise<void>;

const chart: Step = (page) => page.locator("canvas").first().waitFor();
const heading = (name: string): Step => (page) => page.getByRole("heading", { level: 1, name }).waitFor();

const pages: [name: string, path: string, ready: Step][] = [
  ["overview", "/", chart],
  ["explore", "/explore", heading("Explore")],
  ["send data", "/send", (page) => page.getByRole("table", { name: "Refused lately" }).waitFor()],
  ["tokens", "/tokens", (page) => page.getByRole("row", { name: /end-to-end/ }).waitFor()],
  [
    "new token",
    "/tokens",
    async (page) => {
      await page.getByRole("button", { name: "New token" }).click();
      await page.getByLabel("Name").waitFor();
    },
  ],
  [
    "revoking a token",
    "/tokens",
    async (page) => {
      await page.getByRole("button", { name: /^Revoke/ }).click();
      await page.getByRole("dialog").waitFor();
    },
  ],
  ["people", "/people", (page) => page.getByRole("row", { name: /vera/ }).waitFor()],
  [
    "what can be done about a person",
    "/people",
    async (page) => {
      await page.getByRole("button", { name: "Actions for vera" }).click();
      await page.getByRole("menuitem", { name: "Delete…" }).waitFor();
    },
  ],
  [
    "inviting a person",
    "/people",
    async (page) => {
      await page.getByRole("button", { name: "Invite" }).click();
      await page.getByLabel("Login").waitFor();
    },
  ],
  ["groups", "/groups", (page) => page.getByRole("row", { name: /Visitors/ }).waitFor()],
  [
    "a group",
    "/groups",
    async (page) => {
      await page.getByRole("link", { name: "Visitors <b>" }).click();
      await page.getByRole("button", { name: "Take out: lamp" }).waitFor();
    },
  ],
  [
    "adding to a group",
    "/groups",
    async (page) => {
      await page.getByRole("link", { name: "Visitors <b>" }).click();
      await page.getByRole("button", { name: "Add members" }).click();
      await page.getByRole("dialog").getByRole("button", { name: /^vera/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Add 1" }).waitFor();
    },
  ],
  ["audit", "/audit", (page) => page.getByRole("row", { name: /created person vera/ }).waitFor()],
  ["audit without anything", "/audit?q=nothing+has+this", (page) => page.getByRole("heading", { name: "Nothing matches" }).waitFor()],
  ["devices", "/devices", (page) => page.getByRole("row", { name: /lamp/ }).waitFor()],
  ["devices without any that fit", "/devices?q=nothing+has+this", (page) => page.getByRole("heading", { name: "Nothing matches" }).waitFor()],
  [
    "adding a device",
    "/devices",
    async (page) => {
      await page.getByRole("button", { name: "Add a device" }).click();
      await page.getByRole("button", { name: "Add a row to Attributes" }).click();
      await page.getByLabel("Name 1 of Attributes").waitFor();
    },
  ],
  [
    "importing devices",
    "/devices",
    async (page) => {
      await page.getByRole("button", { name: "Import CSV" }).click();
      const buffer = Buffer.from("name,enabled\nlamp,maybe\n");
      await page.getByLabel("CSV file").setInputFiles({ name: "devices.csv", mimeType: "text/csv", buffer });
      await page.getByRole("table", { name: "What is wrong in the file" }).waitFor();
    },
  ],
  [
    "a device",
    "/devices",
    async (page) => {
      await page.getByRole("link", { name: "lamp" }).click();
      await page.getByRole("row", { name: /firmware/ }).waitFor();
    },
  ],
  [
    "deleting a device",
    "/devices",
    async (page) => {
      await page.getByRole("link", { name: "lamp" }).click();
      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("dialog").getByText("What it wrote stays.").waitFor();
    },
  ],
  [
    "inbox",
    "/inbox",
    async (page) => {
      await page.getByRole("link", { name: "ESP_12AB" }).click();
      await page.getByRole("table", { name: /Table room/ }).waitFor();
    },
  ],
  [
    "adopting a device",
    "/inbox",
    async (page) => {
      await page.getByRole("button", { name: "Adopt as…: ESP_12AB" }).click();
      await page.getByRole("dialog").getByText("One that there is").click();
      await page.getByRole("dialog").getByRole("button", { name: "lamp" }).click();
    },
  ],
  ["new key for devices", "/tokens?new=devices", (page) => page.getByText(/wait in the inbox/).waitFor()],
  ["types of devices", "/devices/types", (page) => page.getByRole("row", { name: /Room sensor/ }).waitFor()],
  ["device code", "/device-code", (page) => page.getByRole("link", { name: /Tasmota/ }).waitFor()],
  [
    "what is filled in wrongly for a device",
    "/device-code?template=esp8266-dht",
    async (page) => {
      await page.getByRole("button", { name: "Make the code" }).click();
      await page.getByText(/fields need another look/).waitFor();
    },
  ],
  [
    "code for a device",
    "/device-code?template=linux-python",
    async (page) => {
      await page.getByRole("textbox", { name: "Device" }).fill("attic");
      await page.getByLabel("Server").fill("http://192.168.1.10:8086");
      await page.getByLabel(/^Token/).fill("sen_example");
      await page.getByRole("button", { name: "Make the code" }).click();
      await page.locator("[data-is~=comment]").first().waitFor();
    },
  ],
  ["networks", "/networks", (page) => page.getByRole("row", { name: /Attic/ }).waitFor()],
  [
    "adding a network",
    "/networks",
    async (page) => {
      await page.getByRole("button", { name: "Add a network" }).click();
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("Enter the SSID").waitFor();
    },
  ],
  [
    "code with a network that is kept",
    "/device-code?template=micropython-dht",
    (page) => page.getByLabel("Saved network").waitFor(),
  ],
  ["own account", "/account", (page) => page.getByRole("row", { name: /this one/ }).waitFor()],
  [
    "setting up a second factor",
    "/account",
    async (page) => {
      await page.getByRole("button", { name: "Set it up…" }).click();
      await page.getByLabel("Your password", { exact: true }).fill(admin.password);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
    },
  ],
  ["API", "/reference", (page) => page.getByRole("status").filter({ hasText: /operations$/ }).waitFor()],
  [
    "an operation of the API",
    `/reference?operation=${encodeURIComponent("get /api/v1/databases")}`,
    async (page) => {
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByRole("region", { name: "Answer" }).waitFor();
    },
  ],
  [
    "palette",
    "/tokens",
    async (page) => {
      await page.getByRole("button", { name: "Search and commands" }).click();
      await page.getByPlaceholder("Go to a page or do something…").waitFor();
    },
  ],
  [
    "account",
    "/tokens",
    async (page) => {
      await page.getByRole("button", { name: /^Account of/ }).click();
      await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
    },
  ],
  ["a page that does not exist", "/nowhere", heading("There is no such page")],
];

const doors: [name: string, path: string, ready: Step][] = [
  ["sign in", "/login", heading("Sign in")],
  ["invitation", "/invitation#code=ABCD", (page) => page.getByLabel("New password", { exact: true }).waitFor()],
  ["set-up", "/setup#code=ABCD", (page) => page.getByLabel("Set-up code").waitFor()],
];

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];

describe.each(sizeNames)("%s", (size) => {
  it.each([...pages.map((page) => [...page, true] as const), ...doors.map((page) => [...page, false] as const)])(
    "%s",
    async (_name, path, ready, signedIn) => {
      const at = path.startsWith("/setup") ? unset : server;
      const { page, close } = await open(at, { size, ...(signedIn ? { session } : {}), expectedErrors: /40[014]/ });
      await page.goto(path);
      await ready(page);
      await page.waitForLoadState("load");
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
      // The other look differs in nothing but colours.
      await page.emulateMedia({ colorScheme: "dark" });
      await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
      expect(await violations(page, ["color-contrast"])).toEqual([]);
      await close();
    },
  );
});
