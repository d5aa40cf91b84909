/** The record of changes is read, filtered, paged and downloaded. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let grace: Session;
/** More than a page has room for. */
const TOKENS = 55;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  const { id } = await invite(server, session, { login: "vera", name: "<b>Vera</b>", role: "viewer" });
  const changed = await call(server, session, `/api/v1/users/${id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ version: 1, role: "editor" }),
  });
  expect(changed.status).toBe(200);
  for (let made = 0; made < TOKENS; made += 1) await token(server, session, { can_read: true, can_write: false });
  const { code } = await invite(server, session, { login: "grace", role: "editor" });
  grace = await accept(server, code, "compilers are nice");
});

it("shows before and after, and filters by what stands in the address", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/audit");
  const filters = page.getByRole("search", { name: "Filters" });
  await filters.getByLabel("Text").fill("vera");
  await filters.getByLabel("What").selectOption("changed");
  await filters.getByLabel("Thing").selectOption("user");
  await filters.getByRole("button", { name: "Filter", exact: true }).click();
  await page.waitForURL(/action=changed/);
  const table = page.getByRole("table", { name: "Changes, the newest first" });
  const row = table.getByRole("row", { name: /changed person vera/ });
  // The row was there before the filter, too.
  await expect.poll(() => table.getByRole("row").count()).toBe(2);
  expect(await row.locator("del").textContent()).toBe("was viewer");
  expect(await row.locator("ins").first().textContent()).toBe("is now editor");

  // The address alone says what is shown; names are text.
  await page.goto("/audit?target=user&action=created&q=vera");
  await table.getByRole("row", { name: /created person vera/ }).waitFor();
  expect(await table.textContent()).toContain("<b>Vera</b>");
  expect(await filters.getByLabel("What").inputValue()).toBe("created");

  await page.goto("/audit?q=nothing+has+this");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await table.waitFor();
  await close();
});

it("reaches only what lies within the times", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/audit");
  const filters = page.getByRole("search", { name: "Filters" });
  await filters.getByLabel("From").fill("2020-01-01T00:00:00");
  await filters.getByLabel("Before").fill("2020-01-02T00:00:00");
  await filters.getByLabel("Who").press("Enter");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  expect(new URL(page.url()).searchParams.get("from")).toMatch(/^20(19|20)-.*Z$/);
  await filters.getByLabel("Before").fill("");
  await filters.getByLabel("Who").fill("ada");
  await filters.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByRole("table").waitFor();
  await close();
});

it("goes through the pages and back", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/audit?target=token");
  const rows = page.getByRole("table").getByRole("row");
  await page.getByRole("link", { name: "Older" }).click();
  await page.waitForURL(/after=/);
  // The heading and what the first page had no room for.
  await expect.poll(() => rows.count()).toBe(1 + TOKENS - 50);
  expect(await page.getByRole("link", { name: "Older" }).count()).toBe(0);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect.poll(() => rows.count()).toBe(51);
  await close();
});

it("downloads what the filters let through", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/audit?target=user&action=changed");
  await page.getByRole("table").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as CSV" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("sensorium-audit.csv");
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  expect(lines[0]).toContain("at,actor_kind,actor_id,actor,action,target,name,before,after");
  expect(lines).toHaveLength(2);
  await close();
});

it("tells others that it is for administrators", async () => {
  const { page, close } = await open(server, { session: grace });
  await page.goto("/audit");
  await page.getByRole("heading", { name: "For administrators" }).waitFor();
  expect(await page.getByRole("link", { name: "Audit" }).count()).toBe(0);
  await close();
});

it("shows the server's sentence when a filter is refused", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /400/ });
  await page.goto("/audit?after=nonsense");
  await page.getByRole("alert").filter({ hasText: "there is no such page" }).waitFor();
  await close();
});
