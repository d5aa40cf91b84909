/** The overview: gauges and graphs of this machine, history behind the live points, and a card for every table. */
import { beforeAll, describe, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { fresh, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let secret: string;

async function write(lines: string): Promise<void> {
  const response = await fetch(`${server.origin}/write?db=main`, {
    method: "POST",
    headers: { Authorization: `Bearer ${secret}` },
    body: lines,
  });
  expect(response.status).toBe(204);
}

beforeAll(async () => {
  server = await fresh();
  session = await setUp(server);
  secret = await token(server, session, { can_read: true, can_write: true });
});

describe("the machine", () => {
  it("is shown on four dials with their values in words", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    for (const name of ["CPU", "Memory", "Fullest disk"]) {
      const dial = page.getByRole("meter", { name });
      await dial.waitFor();
      await page.waitForFunction(
        (label) => /\d %/.test(document.querySelector(`[role=meter][aria-label="${label}"]`)?.ariaValueText ?? ""),
        name,
      );
    }
    expect(await page.getByRole("meter", { name: "Load" }).getAttribute("aria-valuemax")).toMatch(/^\d+$/);
    await close();
  });

  it("has its past behind the live points after a reload", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    const rows = () =>
      page
        .getByRole("table", { name: /^CPU: the newest/ })
        .getByRole("row")
        .count();
    await expect.poll(rows, { timeout: 30_000 }).toBeGreaterThan(8);
    const begun = Date.now();
    await page.reload();
    // More rows than could have come live since, one a second; three hold no moment.
    await expect.poll(async () => (await rows()) - 3 - (Date.now() - begun) / 1_000).toBeGreaterThan(2);
    await close();
  });

  it("keeps range, cores and zoom in the address", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/?range=15");
    expect(await page.getByRole("radio", { name: "15 min" }).isChecked()).toBe(true);
    await page.getByText("Cores", { exact: true }).click();
    await page.waitForURL(/cpu=cores/);
    await page.getByRole("button", { name: /^cpu0/ }).waitFor();

    const plot = page.getByRole("slider", { name: /^CPU by core/ });
    await expect.poll(() => plot.getAttribute("aria-valuetext")).toMatch(/cpu0 [\d.]+ %/);
    await plot.focus();
    await page.keyboard.press("+");
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.getByRole("button", { name: "Back to live" }).click();
    await page.waitForURL((url) => !url.searchParams.has("from"));
    await close();
  });

  it("zooms every graph by a drag and lets go by a double click", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    // What is above the graph has its height once the load is known, and the graph is drawn anew until it has data.
    await expect.poll(() => page.getByRole("meter", { name: "Load" }).getAttribute("aria-valuetext")).toMatch(/\d/);
    await expect.poll(() => page.getByRole("slider", { name: /^CPU/ }).getAttribute("aria-valuetext")).toMatch(/\d %/);
    const over = page.locator(".u-over").first();
    const box = await over.boundingBox();
    if (box === null) throw new Error("the graph has no place");
    await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 44, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    await over.dblclick();
    await page.waitForURL((url) => !url.searchParams.has("from"));
    await close();
  });

  it("reads a moment out to who moves by keyboard", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    const plot = page.getByRole("slider", { name: /^Memory/ });
    await plot.focus();
    await expect.poll(() => plot.getAttribute("aria-valuetext"), { timeout: 15_000 }).toMatch(/used [\d.]+ [KMG]iB/);
    const at = async () => Number(await plot.getAttribute("aria-valuenow"));
    // A single moment is both the first and the last.
    await expect.poll(at).toBeGreaterThan(1);
    const newest = await at();
    await page.keyboard.press("Home");
    await expect.poll(at).toBeLessThan(newest);
    const first = await at();
    await page.keyboard.press("End");
    await expect.poll(at).toBeGreaterThan(first);
    await close();
  });
});

describe("the cards", () => {
  it("lead to “Send data” while no device has sent anything", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    await page.getByRole("heading", { name: "No device has sent anything yet" }).waitFor();
    await page.getByRole("link", { name: "Send data" }).last().click();
    await page.waitForURL("**/send");
    await close();
  });

  it("show a table the moment its first reading arrives, and each newer value", async () => {
    const { page, close } = await open(server, { session });
    await page.goto("/");
    await page.getByRole("heading", { name: "No device has sent anything yet" }).waitFor();
    await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
    await write('room,place=kitchen temperature=21.5,window=true,mode="auto"');
    const card = page.getByRole("article").filter({ has: page.getByRole("link", { name: "room", exact: true }) });
    await card.getByText("21.5 °C").waitFor({ timeout: 5_000 });
    await card.getByText("auto", { exact: true }).waitFor();
    await card.getByText("true", { exact: true }).waitFor();
    await write("room,place=kitchen temperature=22.25");
    await card.getByText("22.3 °C").waitFor({ timeout: 5_000 });
    await card.getByRole("link", { name: "room" }).click();
    await page.waitForURL(/\/explore\?/);
    await page.getByRole("cell", { name: "kitchen" }).first().waitFor();
    await close();
  });
});

it("goes on once a second where a proxy does not let WebSockets through", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /WebSocket/ });
  await page.routeWebSocket("**/ws/live", (socket) => socket.close());
  await page.goto("/");
  await page.getByRole("status").getByText("Live, once a second", { exact: true }).waitFor({ timeout: 30_000 });
  await write("room,place=attic temperature=17.5");
  const card = page.getByRole("article").filter({ has: page.getByRole("link", { name: "room", exact: true }) });
  await card.getByText("17.5 °C").waitFor({ timeout: 5_000 });
  await close();
});
