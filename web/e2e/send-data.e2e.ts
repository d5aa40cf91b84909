/** What the page offers for pasting is pasted into a shell, and what it sends shows on the page. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { fresh, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const run = promisify(execFile);
const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh();
  session = await setUp(server);
});

async function shownText(page: Page): Promise<string> {
  return (await page.getByRole("tabpanel").locator("pre").textContent()) ?? "";
}

it.each([
  ["curl, line protocol", "bash", "204"],
  ["curl, JSON", "bash", "200"],
  ["Python", "python3", "200"],
])("sends the first reading with %s", async (way, shell, status) => {
  const { page, close } = await open(server, { session });
  await page.goto("/send");
  await page.getByText("Waiting for the first reading").waitFor();
  await page.getByRole("button", { name: "Create a write token" }).click();
  await page.getByText("The commands below hold a fresh token").waitFor();
  await page.getByRole("tab", { name: way }).click();
  // The tab follows the address.
  await page.getByRole("tab", { name: way, selected: true }).waitFor();
  const command = await shownText(page);
  expect(command).toContain(server.origin);
  expect(command).toContain("sen_");
  const { stdout } = await run(shell, ["-c", command]);
  expect(stdout).toContain(status);

  await page.getByText("The first reading is here").waitFor();
  const row = page.getByRole("table", { name: "What arrives" }).getByRole("row", { name: /kitchen/ }).first();
  expect(await row.textContent()).toMatch(/room.*place=kitchen.*temperature 21\.5/);
  expect(await page.getByRole("table", { name: "What arrives" }).getByRole("row", { name: /cpu/ }).count()).toBe(0);

  await page.getByRole("link", { name: "See it on the overview" }).click();
  await page.getByRole("heading", { name: "room" }).waitFor();
  await page.getByText("21.5").first().waitFor();
  await close();
});

it("names the tabs in the address", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/send?how=telegraf");
  await page.getByRole("tab", { name: "Telegraf", selected: true }).waitFor();
  expect(await shownText(page)).toContain("[[outputs.influxdb_v2]]");
  await close();
});

it("shows what was refused, and why", async () => {
  const secret = await token(server, session, { can_read: false, can_write: true });
  const { page, close } = await open(server, { session });
  await page.goto("/send");
  await page.getByText("Waiting for the first reading").waitFor();
  const response = await fetch(`${server.origin}/write?db=main`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}` },
    body: "fine value=1\nthis is not a line",
  });
  expect(response.status).toBe(400);
  const row = page.getByRole("table", { name: "Refused lately" }).getByRole("row", { name: /this is not a line/ });
  await row.waitFor();
  await page.getByRole("table", { name: "What arrives" }).getByRole("row", { name: /fine/ }).waitFor();
  await close();
});
