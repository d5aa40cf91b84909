/** Wi-Fi networks are added, changed and deleted, never show a password, and are filled into code for devices. */
import { beforeAll, expect, it } from "vitest";
import { violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

interface Kept {
  id: string;
  name: string;
  ssid: string;
  has_password: boolean;
  version: number;
}

async function kept(name: string): Promise<Kept | undefined> {
  const response = await call(server, session, "/api/v1/networks");
  const { networks } = (await response.json()) as { networks: Kept[] };
  return networks.find((network) => network.name === name);
}

function send(method: string, path: string, body: object): Promise<Response> {
  return call(server, session, path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

it("adds a network, changes it and deletes it", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /400|409/ });
  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Networks" }).click();
  await page.getByRole("heading", { name: "No networks yet" }).waitFor();
  await page.getByRole("button", { name: "Add a network" }).click();
  const dialog = await opened(page);
  const name = dialog.getByLabel("Name");
  const password = dialog.getByLabel("Password", { exact: true });
  await page.keyboard.press("Enter");
  await dialog.getByText("Give it a name").waitFor();
  await dialog.getByText("Enter the SSID").waitFor();
  await dialog.getByText("Enter the password, or say that the network is open").waitFor();
  expect(await violations(page)).toEqual([]);
  await name.fill("<b>Attic</b>");
  await dialog.getByLabel("SSID").fill("attic-2g");
  await password.fill("short");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "8 to 63 characters" }).waitFor();
  await password.fill("under the roof");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  const row = page.getByRole("row", { name: /attic-2g/ });
  await row.getByText("stored").waitFor();
  // As text, not as markup.
  expect(await row.getByRole("rowheader").textContent()).toBe("<b>Attic</b>");
  await expect.poll(() => page.content()).not.toContain("under the roof");

  await row.getByRole("button", { name: "Change <b>Attic</b>" }).click();
  expect(await password.inputValue()).toBe("");
  await dialog.getByText("Leave it empty to keep the one that is stored").waitFor();
  await name.fill("Loft");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("row", { name: /Loft.*stored/ }).waitFor();
  expect(await kept("Loft")).toMatchObject({ has_password: true, version: 2 });
  await row.getByRole("button", { name: "Change Loft" }).click();
  await dialog.getByLabel("Open network, without a password").check();
  expect(await password.isDisabled()).toBe(true);
  await dialog.getByRole("button", { name: "Save" }).click();
  await row.getByText("none, open").waitFor();

  // A name that is taken is said in place.
  await page.getByRole("button", { name: "Add a network" }).click();
  await opened(page);
  await name.fill("Loft");
  await dialog.getByLabel("SSID").fill("another");
  await dialog.getByLabel("Open network, without a password").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").filter({ hasText: /name/ }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });

  await row.getByRole("button", { name: "Delete Loft" }).click();
  await dialog.getByText("Devices that were made for it keep what they have.").waitFor();
  // The first Enter cancels.
  await opened(page);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await row.getByRole("button", { name: "Delete Loft" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "No networks yet" }).waitFor();
  await close();
});

it("shows what somebody else changed meanwhile, and lets the person choose", async () => {
  const network = { name: "Barn", ssid: "barn", password: "hay and straw" };
  const { id } = (await (await send("POST", "/api/v1/networks", network)).json()) as Kept;
  const { page, close } = await open(server, { session, size: "phone", expectedErrors: /409/ });
  await page.goto("/networks");
  await page.getByRole("button", { name: "Change Barn" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Stable");
  expect((await send("PATCH", `/api/v1/networks/${id}`, { version: 1, ssid: "barn-5g", password: null })).status).toBe(200);
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed Barn meanwhile" });
  await conflict.getByText("was “barn”, is “barn-5g”").waitFor();
  await conflict.getByText("was stored, is none, open").waitFor();
  expect(await violations(page)).toEqual([]);
  // What was typed stays, what nobody touched here follows.
  expect(await dialog.getByLabel("Name").inputValue()).toBe("Stable");
  expect(await dialog.getByLabel("SSID").inputValue()).toBe("barn-5g");
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await kept("Stable")).toMatchObject({ ssid: "barn-5g", has_password: false, version: 3 });

  await page.getByRole("button", { name: "Delete Stable" }).click();
  expect((await send("PATCH", `/api/v1/networks/${id}`, { version: 3, password: "oats and barley" })).status).toBe(200);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("was none, open, is stored").waitFor();
  await dialog.getByRole("button", { name: "Keep it as it is now" }).click();
  await dialog.waitFor({ state: "detached" });
  // The next question is about what the list says by now.
  await page.getByRole("row", { name: /Stable.*stored/ }).waitFor();
  await page.getByRole("button", { name: "Delete Stable" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "No networks yet" }).waitFor();
  await close();
});

it("fills a kept network into code for a device", async () => {
  const network = { name: "Greenhouse", ssid: "glass", password: "tomatoes and basil" };
  expect((await send("POST", "/api/v1/networks", network)).status).toBe(201);
  const { page, close } = await open(server, { session });
  await page.goto("/device-code?template=micropython-dht");
  const chooser = page.getByLabel("Saved network");
  await page.getByLabel(/^Wi-Fi network/).waitFor();
  await chooser.selectOption({ label: "Greenhouse (glass)" });
  expect(await page.getByLabel(/^Wi-Fi network/).count()).toBe(0);
  await page.getByRole("textbox", { name: "Device" }).fill("bed 1");
  await page.getByLabel("Server").fill("http://192.168.1.10:8086");
  await page.getByLabel(/^Token/).fill("sen_example");
  await page.getByRole("button", { name: "Make the code" }).click();
  const code = page.getByRole("region", { name: /\.py$/ });
  await code.waitFor();
  expect(await code.textContent()).toContain("tomatoes and basil");
  // The next template has it, too; one that joins no network does not ask.
  await page.getByRole("link", { name: "All templates" }).click();
  await page.getByRole("link", { name: /Any Unix with curl/ }).click();
  await page.getByRole("textbox", { name: "Device" }).waitFor();
  expect(await chooser.count()).toBe(0);
  await page.getByRole("link", { name: "All templates" }).click();
  await page.getByRole("link", { name: /BME280/ }).click();
  await chooser.waitFor();
  expect(await chooser.locator("option:checked").textContent()).toBe("Greenhouse (glass)");
  await chooser.selectOption({ label: "None: type it in" });
  await page.getByLabel(/^Wi-Fi network/).waitFor();
  await close();
});

it("is for editors: a viewer is not led there, and types the network in", async () => {
  const { code } = await invite(server, session, { login: "vera", role: "viewer" });
  const vera = await accept(server, code, "stars by the hundred");
  const { page, close } = await open(server, { session: vera });
  await page.goto("/networks");
  await page.getByRole("heading", { name: "For editors" }).waitFor();
  expect(await page.getByRole("link", { name: "Networks" }).count()).toBe(0);
  // The server is not even asked.
  await page.goto("/device-code?template=micropython-dht");
  await page.getByLabel(/^Wi-Fi network/).waitFor();
  expect(await page.getByLabel("Saved network").count()).toBe(0);
  await close();
});

it("says so when the list cannot be loaded", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /403/ });
  await page.route("**/api/v1/networks", (route) =>
    route.fulfill({ status: 403, json: { error: "not for you", code: "denied" } }),
  );
  await page.goto("/networks");
  await page.getByRole("alert").filter({ hasText: "not for you" }).waitFor();
  await close();
});
