/** Explore: statements, their results as table, chart and file, and what is said when one is wrong. */
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { fresh, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
const OFFICE = `SELECT date_bin(INTERVAL '1 hour', time) t, avg("Temperature"), max("CO2") FROM office GROUP BY t ORDER BY t`;
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  const secret = await token(server, session, { can_read: true, can_write: true });
  const start = Date.UTC(2015, 1, 2, 14);
  const lines = Array.from({ length: 500 }, (_, row) => {
    const swing = Math.sin(row / 40);
    return `office,room=${row % 2 === 0 ? "a" : "b"} Temperature=${21 + swing},CO2=${700 + 200 * swing} ${start + row * 60_000}`;
  });
  const response = await fetch(`${server.origin}/write?db=main&precision=ms`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}` },
    body: lines.join("\n"),
  });
  expect(response.status).toBe(204);
});

/** Writes a statement; it can be run once the page has taken it and knows the databases. */
async function type(page: Page, sql: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: "SQL statement" });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(sql);
  await page.getByRole("button", { name: "Run", disabled: false }).waitFor();
}

const rows = (page: Page) => page.getByRole("region", { name: "Rows of the result" }).getByRole("row");

it("runs a statement by the keyboard and keeps it in the address", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/explore");
  await type(page, "SELECT room, count(*) AS n FROM office GROUP BY room ORDER BY room");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^2 rows/).waitFor();
  // Rows are drawn once it is measured how many are in sight.
  const texts = async () => (await rows(page).allInnerTexts()).slice(1).map((text) => text.split(/\s+/));
  await expect.poll(texts).toEqual([
    ["a", "250"],
    ["b", "250"],
  ]);
  expect(new URL(page.url()).searchParams.get("q")).toContain("count(*)");
  await page.reload();
  await page.getByText(/^2 rows/).waitFor();
  await close();
});

it("completes tables and columns", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/explore");
  await page.getByRole("navigation", { name: "Tables" }).getByText("office").waitFor();
  await page.getByRole("textbox", { name: "SQL statement" }).click();
  await page.keyboard.type("SELECT * FROM off");
  const choice = page.getByRole("option", { name: /office/ });
  await choice.waitFor();
  await choice.click();
  expect(await page.getByRole("textbox", { name: "SQL statement" }).innerText()).toContain("office");
  await close();
});

it("offers examples that have an answer, and draws the office by the hour", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/explore");
  await page.getByRole("button", { name: "The office by the hour" }).click();
  await page.getByRole("slider", { name: /Temperature/ }).waitFor();
  await page.getByRole("slider", { name: /CO2/ }).waitFor();
  expect(new URL(page.url()).searchParams.get("view")).toBe("chart");
  expect(await violations(page)).toEqual([]);
  await close();
});

it("draws what an address asks for, split by a tag", async () => {
  const { page, close } = await open(server, { session });
  const search = new URLSearchParams({ q: `SELECT time, room, "CO2" FROM office`, view: "chart", split: "room" });
  await page.goto(`/explore?${search.toString()}`);
  const legend = page.getByRole("group", { name: "Series" });
  await legend.getByRole("button", { name: /^a / }).waitFor();
  await legend.getByRole("button", { name: /^b / }).waitFor();
  await close();
});

it("says in place what is wrong, and where", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /400/ });
  await page.goto("/explore");
  await type(page, "SELECT *\nFROM office\nWHERE AND");
  await page.getByRole("button", { name: "Run" }).click();
  const alert = page.getByRole("alert").filter({ hasText: "refused" });
  await alert.waitFor();
  expect(await alert.innerText()).toMatch(/line 3/);
  await page.locator(".cm-problem").waitFor();
  expect(await violations(page)).toEqual([]);
  await type(page, "DROP TABLE office");
  await page.keyboard.press("Control+Enter");
  await alert.waitFor();
  await close();
});

it("cancels a statement, and the server stops it", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /ERR_ABORTED/ });
  await page.goto("/explore");
  const cross = Array.from({ length: 6 }, (_, index) => `office o${index}`).join(", ");
  await type(page, `SELECT sum(o0."CO2" * o5."CO2") FROM ${cross}`);
  const aborted = page.waitForEvent("requestfailed", (request) => request.url().includes("/api/v1/sql"));
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Cancel" }).click();
  await aborted;
  await page.getByRole("button", { name: "Run" }).waitFor();
  await type(page, "SELECT 1 AS one");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^1 row /).waitFor();
  await close();
});

it("sorts a long result and holds only what is in sight", async () => {
  const { page, close } = await open(server, { session });
  await page.goto(`/explore?q=${encodeURIComponent('SELECT time, "CO2" FROM office ORDER BY time')}`);
  await page.getByText(/^500 rows/).waitFor();
  expect(await rows(page).count()).toBeLessThan(120);
  await page.getByRole("button", { name: /^CO2/ }).click();
  await expect
    .poll(() => page.getByRole("columnheader", { name: /^CO2/ }).getAttribute("aria-sort"))
    .toBe("descending");
  const first = await page.getByRole("region", { name: "Rows of the result" }).locator("tbody tr").first().innerText();
  expect(Number(first.split(/\s+/).at(-1))).toBeGreaterThan(899);
  await close();
});

it("downloads what was asked as CSV and as Parquet", async () => {
  const { page, close } = await open(server, { session });
  await page.goto(`/explore?q=${encodeURIComponent(OFFICE)}`);
  await page.getByText(/rows · /).waitFor();
  for (const [button, head] of [
    ["Download as CSV", "t,"],
    ["Download as Parquet", "PAR1"],
  ] as const) {
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: button }).click();
    const bytes = await readFile(await (await saved).path());
    expect(bytes.subarray(0, head.length).toString()).toBe(head);
  }
  await close();
});

it("remembers what was run, in this browser", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/explore");
  await type(page, "SELECT 42 AS answer");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^1 row /).waitFor();
  await page.goto("/explore");
  // Nothing can be run before the databases are known.
  await page.getByRole("navigation", { name: "Tables" }).getByText("office").waitFor();
  await page.getByRole("button", { name: "Recent" }).click();
  await page.getByRole("menuitem", { name: /SELECT 42/ }).click();
  await page.getByText(/^1 row /).waitFor();
  await close();
});
