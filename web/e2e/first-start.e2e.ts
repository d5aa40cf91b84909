/** From an empty folder through set-up to a graph that moves. */
import { expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { admin, emptyFolder, fresh, serve } from "./support/sensorium";

const open = browserOfFile();

it("leads from the printed address through set-up to a moving graph", async () => {
  const server = await fresh();
  expect(server.printed).toMatch(/\/setup#code=.+/);
  const { page, close } = await open(server);
  await page.goto(server.printed);

  const code = new URLSearchParams(new URL(server.printed).hash.slice(1)).get("code");
  await page.getByLabel("Set-up code").waitFor();
  expect(await page.getByLabel("Set-up code").inputValue()).toBe(code);
  await page.waitForURL((url) => url.hash === "");
  await expect.poll(() => page.title()).toBe("Set up · Sensorium");

  await page.getByLabel("Organisation").fill(admin.organisation);
  await page.getByLabel("Your login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Create and sign in" }).click();
  await page.getByText("Use at least 10 characters").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.getByRole("button", { name: "Create and sign in" }).click();

  await page.waitForURL(`${server.origin}/`);
  const chart = page.locator("canvas").first();
  await chart.waitFor();
  const before = await chart.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await page.waitForFunction((old) => document.querySelector("canvas")?.toDataURL() !== old, before);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();

  await page.goto("/setup");
  await page.waitForURL(`${server.origin}/`);
  await close();
});

it("asks for the code when the address did not bring it, and refuses a wrong one", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const { page, close } = await open(server, { expectedErrors: /40[01]/ });
  await page.goto("/");
  await page.waitForURL("**/setup");
  await page.getByLabel("Set-up code").fill("not the code");
  await page.getByLabel("Organisation").fill(admin.organisation);
  await page.getByLabel("Your login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.getByRole("button", { name: "Create and sign in" }).click();
  await page.getByRole("alert").filter({ hasText: /code/i }).waitFor();
  expect(page.url()).toContain("/setup");
  await close();
});

it("says when the server is gone, and goes on when it is back", async () => {
  const folder = await emptyFolder();
  const first = await serve(folder);
  const { page, close } = await open(first, { expectedErrors: /ERR_CONNECTION_REFUSED|WebSocket|ERR_/ });
  await page.goto(first.printed);
  await page.getByLabel("Organisation").fill(admin.organisation);
  await page.getByLabel("Your login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.getByRole("button", { name: "Create and sign in" }).click();
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();

  await first.stop();
  await page.getByText("The server does not answer.").waitFor({ timeout: 45_000 });
  const second = await serve(folder, { http: new URL(first.origin).host });
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor({ timeout: 45_000 });
  await page.getByText("The server does not answer.").waitFor({ state: "detached" });
  await close();
  await second.stop();
}, 120_000);
