/** What is desired of a device and what it reports, a conflict of two people, and commands whose answers arrive. */
import type { Page, Route } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let viewer: Session;
let id: string;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  viewer = await accept(server, (await invite(server, session, { login: "vera", role: "viewer" })).code, "rotation curves");
  const made = await call(server, session, "/api/v1/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "lamp" }),
  });
  id = ((await made.json()) as { id: string }).id;
});

interface Document {
  version: number;
  state: object;
  changed_at: string | null;
}

/** Answers in the place of the server, which this page needs nothing else of here. */
async function stand(page: Page) {
  const at = "2026-01-01T00:00:00.000Z";
  const nothing: Document = { version: 0, state: {}, changed_at: null };
  const device = { desired: nothing, reported: nothing, difference: [] as object[], differences: 0 };
  const commands: Record<string, unknown>[] = [];
  const set = (what: "desired" | "reported", state: object) => {
    device[what] = { version: device[what].version + 1, state, changed_at: at };
  };
  const answer = (route: Route, status: number, json: object) => route.fulfill({ status, json });
  await page.route(`**/api/v1/devices/${id}/state`, (route) => answer(route, 200, device));
  await page.route(`**/api/v1/devices/${id}/state/desired`, (route) => {
    const { version, state } = route.request().postDataJSON() as { version: number; state: object };
    if (version !== device.desired.version) {
      return answer(route, 409, { error: "somebody else changed it", code: "conflict", current: device });
    }
    set("desired", state);
    return answer(route, 200, device);
  });
  await page.route(`**/api/v1/devices/${id}/commands`, (route) => {
    if (route.request().method() === "GET") return answer(route, 200, { commands });
    const { name, arguments: given, timeout_seconds: seconds } = route.request().postDataJSON() as Record<string, unknown>;
    const made = {
      id: `00000000-0000-4000-8000-00000000000${commands.length}`,
      name,
      arguments: given,
      status: "queued",
      result: null,
      requested_by: "ada",
      created_at: new Date().toISOString(),
      expires_at: new Date(Date.now() + Number(seconds) * 1_000).toISOString(),
      delivered_at: null,
      answered_at: null,
    };
    commands.unshift(made);
    return answer(route, 202, made);
  });
  return { device, commands, set };
}

const markup = "<img src=x onerror=alert(1)>";

it("shows what is desired and reported, and lets the person choose when somebody else came first", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  const { device, set } = await stand(page);
  await page.goto(`/devices/${id}`);
  const region = page.getByRole("region", { name: "Desired and reported" });
  await region.getByText("Nothing is desired of it.").waitFor();
  await region.getByText("It has reported nothing.").waitFor();
  await region.getByRole("button", { name: "Edit what is desired" }).click();
  const dialog = page.getByRole("dialog");
  const field = dialog.getByRole("textbox", { name: "Desired" });
  await field.fill("[1]");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("This is no object").waitFor();
  await field.fill('{"led": ');
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText(/JSON input|in JSON/).waitFor();
  await field.fill('{"led": {"on": true}}');
  set("desired", { led: { on: false, colour: "red" } });
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed lamp meanwhile" });
  await conflict.getByText("led.colour").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(device.desired).toMatchObject({ version: 2, state: { led: { on: true } } });

  set("reported", { note: markup });
  device.difference = [
    { path: "/led/on", desired: true, reported: null, missing: true },
    { path: "/note", desired: "", reported: markup, missing: false },
  ];
  device.differences = 130;
  const table = region.getByRole("table", { name: "What is not as desired" });
  await table.getByRole("row", { name: /\/led\/on true not reported/ }).waitFor();
  await table.getByText(markup).waitFor();
  await region.getByText("130 values are not as desired.").waitFor();
  await region.getByText("128 more are not shown.").waitFor();
  device.difference = [];
  device.differences = 0;
  await region.getByText("It reports all that is desired.").waitFor();
  await close();
});

it("sends a command and shows the answer when it comes", async () => {
  const { page, close } = await open(server, { session });
  const { commands } = await stand(page);
  await page.goto(`/devices/${id}`);
  const region = page.getByRole("region", { name: "Commands" });
  await region.getByText("It was not asked to do anything yet.").waitFor();
  await region.getByRole("button", { name: "Send a command" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Arguments" }).fill("7");
  await dialog.getByRole("textbox", { name: "Seconds to answer" }).fill("0");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.getByText("Name the command").waitFor();
  await dialog.getByText("This is no object").waitFor();
  await dialog.getByText("Enter a whole number from 1 to 604800").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("textbox", { name: "Command" }).fill("blink");
  await dialog.getByRole("textbox", { name: "Arguments" }).fill('{"times": 3}');
  await dialog.getByRole("textbox", { name: "Seconds to answer" }).fill("30");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.waitFor({ state: "detached" });
  const row = region.getByRole("row", { name: /blink/ });
  await row.getByText("Waits for the device").waitFor();
  const [sent] = commands;
  Object.assign(sent ?? {}, { status: "delivered", delivered_at: new Date().toISOString() });
  await row.getByText("The device has it").waitFor();
  Object.assign(sent ?? {}, { status: "failed", result: { why: markup }, answered_at: new Date().toISOString() });
  await row.getByText("Failed").waitFor();
  await row.getByText(markup).waitFor();
  await close();
});

it("lets viewers read, not change", async () => {
  const { page, close } = await open(server, { session: viewer });
  await stand(page);
  await page.goto(`/devices/${id}`);
  await page.getByText("It was not asked to do anything yet.").waitFor();
  await page.getByText("Nothing is desired of it.").waitFor();
  expect(await page.getByRole("button", { name: /Edit what is desired|Send a command/ }).count()).toBe(0);
  await close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];

describe.each(looks.flatMap((look) => sizeNames.map((size) => [look, size] as const)))("%s, %s", (look, size) => {
  it("has no barrier", async () => {
    const { page, close } = await open(server, { session, look, size });
    const { device, commands, set } = await stand(page);
    set("desired", { led: { on: true, colour: "red" }, interval: 30 });
    set("reported", { led: { colour: "blue" }, interval: 30, text: "long".repeat(60) });
    device.difference = [
      { path: "/led/colour", desired: "red", reported: "blue", missing: false },
      { path: "/led/on", desired: true, reported: null, missing: true },
    ];
    device.differences = 2;
    const base = { requested_by: "ada", created_at: "2026-01-01T00:00:00Z", expires_at: "2026-01-01T00:01:00Z", delivered_at: null };
    for (const status of ["queued", "delivered", "answered", "failed", "expired"]) {
      const answered_at = status === "answered" || status === "failed" ? "2026-01-01T00:00:30Z" : null;
      const result = answered_at === null ? null : { text: "long".repeat(40) };
      commands.push({ ...base, id: status, name: `${status}-command`, arguments: { times: 3 }, status, result, answered_at });
    }
    await page.goto(`/devices/${id}`);
    await page.getByRole("row", { name: /expired-command/ }).waitFor();
    await page.getByRole("row", { name: /led\/on/ }).waitFor();
    const shots = process.env["SENSORIUM_SHOTS"];
    if (shots !== undefined) await page.screenshot({ path: `${shots}/device-${look}-${size}.png`, fullPage: true });
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await close();
  });
});
