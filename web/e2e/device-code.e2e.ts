/** A template is chosen, filled in with what the server asks for, and its files are copied and downloaded. */
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("fills in a template, with the server's words at the fields, and downloads the file", async () => {
  const { page, context, close } = await open(server, { session, expectedErrors: /400/ });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.origin });
  await page.goto("/device-code");
  await page.getByRole("link", { name: /Any Unix with curl/ }).click();
  await page.waitForURL(/template=shell-curl/);
  await page.getByLabel("Interval").fill("0");
  await page.getByRole("button", { name: "Make the code" }).click();
  const form = page.getByRole("main");
  await form.getByText("4 fields need another look.").waitFor();
  const device = page.getByRole("textbox", { name: "Device" });
  expect(await device.getAttribute("aria-invalid")).toBe("true");
  expect(await page.evaluate("document.activeElement.id")).toBe(await device.getAttribute("id"));
  await form.getByText("Is less than 1; it takes a whole number of seconds from 1 to 86400").waitFor();

  await device.fill(`<b>attic</b> "$(id)"`);
  await page.getByRole("button", { name: "Make a token for this device" }).click();
  await form.getByText("is made and filled in.").waitFor();
  const secret = await page.getByLabel(/^Token/).inputValue();
  expect(secret).toMatch(/^sen_/);
  await page.getByLabel("Server").fill("http://192.168.1.10:8086");
  await page.getByLabel("Interval").fill("5");
  await page.keyboard.press("Enter");
  const code = page.getByRole("region", { name: "sensorium-sensor.sh" });
  await code.waitFor();
  await code.locator("[data-is~=comment]").first().waitFor();
  const shown = (await code.textContent()) ?? "";
  expect(shown).toContain(secret);
  // As text, not as markup.
  expect(await code.locator("b").count()).toBe(0);

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download sensorium-sensor.sh" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("sensorium-sensor.sh");
  expect(await readFile(await download.path(), "utf8")).toBe(shown);
  await page.getByRole("button", { name: /^Copy.*sensorium-sensor.sh/ }).click();
  await page.getByRole("button", { name: /^Copied.*sensorium-sensor.sh/ }).waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(shown);

  await page.getByLabel("Interval").fill("6");
  await page.getByText("You changed something since").waitFor();
  // What means the same elsewhere is kept; a secret is never in the address.
  await page.getByRole("link", { name: "All templates" }).click();
  await page.getByRole("link", { name: /MicroPython/ }).click();
  expect(await page.getByLabel(/^Token/).inputValue()).toBe(secret);
  expect(page.url()).not.toContain(secret);
  await close();
});

it("gives a project as one archive with its folders", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/device-code?template=rust-esp-sht31");
  await page.getByRole("textbox", { name: "Device" }).fill("attic");
  await page.getByLabel("Server").fill("http://192.168.1.10:8086");
  await page.getByLabel(/^Token/).fill("sen_example");
  await page.getByLabel("Wi-Fi network").fill("home");
  await page.getByRole("button", { name: "Make the code" }).click();
  await page.getByRole("tab", { name: "Cargo.toml" }).click();
  await page.getByRole("region", { name: "Cargo.toml" }).getByText("[package]").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download all as .tar" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("rust-esp-sht31.tar");
  const names = execFileSync("tar", ["-tf", await download.path()], { encoding: "utf8" });
  expect(names.trim().split("\n")).toEqual(expect.arrayContaining(["src/main.rs", ".cargo/config.toml"]));
  await close();
});

it("leads back from a template that does not exist", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/device-code?template=toaster");
  await page.getByRole("heading", { name: "There is no such template" }).waitFor();
  await page.getByRole("link", { name: "All templates" }).click();
  await page.getByRole("link", { name: /Tasmota/ }).waitFor();
  await close();
});

it("says so when the templates cannot be loaded", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /403/ });
  await page.route("**/api/v1/templates", (route) =>
    route.fulfill({ status: 403, json: { error: "not for you", code: "denied" } }),
  );
  await page.goto("/device-code");
  await page.getByRole("alert").filter({ hasText: "not for you" }).waitFor();
  await close();
});
