/**
 * A newcomer's first hour: sign in, a Wi-Fi network, a sensor of a type that comes with the server, its place on a plan, its code; and a
 * program that the server wrote really runs and its first reading is on the page.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { admin, emptyFolder, fresh, setUp } from "./support/sensorium";

const open = browserOfFile();

const PLAN = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 600">
  <rect x="10" y="10" width="880" height="580" fill="none" stroke="gray" stroke-width="6"/>
</svg>`;

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

it("leads from the sign-in to a sensor on a plan, its code, and a program whose first reading is seen", async () => {
  const server = await fresh(["--no-host-metrics"]);
  await setUp(server);
  const { page, close } = await open(server, { expectedErrors: /401/ });
  const dialog = page.getByRole("dialog");
  const main = page.getByRole("navigation", { name: "Main" });

  await page.goto("/");
  await page.getByLabel("Login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");

  await main.getByRole("link", { name: "Networks" }).click();
  await page.getByRole("button", { name: "Add a network" }).click();
  await opened(page);
  await dialog.getByLabel("Name").fill("Lab");
  await dialog.getByLabel("SSID").fill("lab-2g");
  await dialog.getByLabel("Password", { exact: true }).fill("under the roof");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /lab-2g/ }).waitFor();

  await main.getByRole("link", { name: "Devices", exact: true }).click();
  await page.getByRole("link", { name: "Types" }).click();
  await page.getByRole("button", { name: "Add the type DHT22" }).click();
  await page.getByRole("row", { name: /DHT22.*dht22/ }).waitFor();
  for (const name of ["greenhouse", "workbench"]) {
    await main.getByRole("link", { name: "Devices", exact: true }).click();
    await page.getByRole("button", { name: "Add a device" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByLabel("Type", { exact: true }).selectOption("DHT22");
    await dialog.getByRole("button", { name: "Add the device" }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
  }

  await main.getByRole("link", { name: "Places" }).click();
  await page.getByRole("button", { name: "Add a building" }).click();
  await dialog.getByLabel("Name").fill("House");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Add a floor in House" }).click();
  await dialog.getByLabel("Name").fill("Ground floor");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Ground floor" }).click();
  await page.locator("input[type=file]").setInputFiles({ name: "plan.svg", mimeType: "image/svg+xml", buffer: Buffer.from(PLAN) });
  await page.getByRole("img", { name: "Plan of Ground floor" }).waitFor();
  for (const name of ["greenhouse", "workbench"]) {
    await page.getByRole("button", { name: "Put a device here" }).click();
    await dialog.getByRole("button", { name }).click();
    // Chosen, which is the last that is done with it, and stands in the address.
    await page.getByRole("button", { name: `${name}, Never heard of`, pressed: true }).waitFor();
  }
  const plan = page.url();

  // The ESP8266: its code is downloaded with the network in it, and nobody had to know the password.
  await main.getByRole("link", { name: "Device code" }).click();
  await page.getByRole("link", { name: /ESP8266 with a DHT/ }).first().click();
  await page.getByRole("textbox", { name: "Device" }).fill("greenhouse");
  await page.getByLabel("Server").fill("http://192.168.1.10:8086");
  await page.getByRole("button", { name: "Make a token for this device" }).click();
  await page.getByText("is made and filled in.").waitFor();
  await page.getByLabel("Saved network").selectOption({ label: "Lab (lab-2g)" });
  await page.getByLabel("Table").fill("dht22");
  await page.getByRole("button", { name: "Make the code" }).click();
  const [sketch] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: /^Download .*sensorium_dht\.ino/ }).click(),
  ]);
  const code = await readFile(await sketch.path(), "utf8");
  for (const part of ["lab-2g", "under the roof", "greenhouse", "192.168.1.10:8086"]) expect(code).toContain(part);

  // The Python program, for a sensor that is a file.
  const folder = await emptyFolder();
  const sensor = join(folder, "temperature");
  await writeFile(sensor, "21375\n");
  await page.getByRole("link", { name: "All templates" }).click();
  await page.getByRole("link", { name: /Linux board \(Python\)/ }).click();
  await page.getByRole("textbox", { name: "Device" }).fill("workbench");
  await page.getByLabel("Server").fill(server.origin);
  await page.getByRole("button", { name: "Make a token for this device" }).click();
  await page.getByText("“workbench” is made and filled in.").waitFor();
  await page.getByLabel("Sensor's file").fill(sensor);
  await page.getByLabel("Interval").fill("1");
  await page.getByLabel("Table").fill("dht22");
  await page.getByRole("button", { name: "Make the code" }).click();
  const [script] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: /^Download .*sensorium_sensor\.py/ }).click(),
  ]);
  const program = join(folder, "sensorium_sensor.py");
  await script.saveAs(program);

  await page.goto(plan);
  await page.getByRole("button", { name: "workbench, Never heard of" }).waitFor();
  const child = spawn("python3", [program], { stdio: ["ignore", "inherit", "inherit"] });
  children.push(child);
  // The plan learns of it by itself.
  await page.getByRole("button", { name: "workbench 21.375 °C Temperature" }).waitFor();
  const list = page.getByRole("list", { name: "Devices on the plan" });
  await list.getByRole("listitem").filter({ hasText: "workbench" }).getByText("Up to date").waitFor();
  expect(await violations(page)).toEqual([]);
  await writeFile(sensor, "22500\n");
  await page.getByRole("button", { name: "workbench 22.5 °C Temperature" }).waitFor();
  await list.getByRole("link", { name: "workbench" }).click();
  await page.getByRole("row", { name: /Temperature 22\.5 °C/ }).waitFor();

  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
  });
  child.kill();
  await ended;
  await close();
}, 180_000);
