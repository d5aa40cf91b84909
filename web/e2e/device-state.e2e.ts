/** What is desired of a device and what it reports, a conflict of two people, and commands whose answers arrive. */
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { opened } from "./support/focus";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let viewer: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  viewer = await accept(server, (await invite(server, session, { login: "vera", role: "viewer" })).code, "rotation curves");
});

/** A device, and what it does with its own token. */
interface Device {
  id: string;
  desire: (version: number, state: object) => Promise<void>;
  ask: (command: object) => Promise<void>;
  report: (state: object) => Promise<void>;
  /** Takes the oldest command. */
  take: () => Promise<string>;
  answer: (command: string, ok: boolean, result: object) => Promise<void>;
}

async function device(name: string): Promise<Device> {
  const sent = async (answer: Promise<Response>): Promise<Response> => {
    const response = await answer;
    if (!response.ok) throw new Error(`${response.url} gave ${response.status}: ${await response.text()}`);
    return response;
  };
  const json = (method: string, given: object, headers: Record<string, string> = {}): RequestInit => ({
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(given),
  });
  const made = await sent(call(server, session, "/api/v1/devices", json("POST", { name })));
  const { id } = (await made.json()) as { id: string };
  const path = `/api/v1/devices/${id}`;
  const token = await sent(call(server, session, `${path}/tokens`, json("POST", { name: "firmware" })));
  const own = { Authorization: `Bearer ${((await token.json()) as { secret: string }).secret}` };
  const itself = `${server.origin}/api/v1/device`;
  return {
    id,
    async desire(version, state) {
      await sent(call(server, session, `${path}/state/desired`, json("PUT", { version, state })));
    },
    async ask(command) {
      await sent(call(server, session, `${path}/commands`, json("POST", command)));
    },
    async report(state) {
      await sent(fetch(`${itself}/state/reported`, json("PUT", state, own)));
    },
    async take() {
      const taken = await sent(fetch(`${itself}/commands?wait=10`, { headers: own }));
      return ((await taken.json()) as { id: string }).id;
    },
    async answer(command, ok, result) {
      await sent(fetch(`${itself}/commands/${command}/answer`, json("POST", { ok, result }, own)));
    },
  };
}

const markup = "<img src=x onerror=alert(1)>";

it("shows what is desired and reported, and lets the person choose when somebody else came first", async () => {
  const lamp = await device("lamp");
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto(`/devices/${lamp.id}`);
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
  await field.fill('{"led": {"on": true}, "note": ""}');
  await lamp.desire(0, { led: { on: false, colour: "red" } });
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed lamp meanwhile" });
  await conflict.getByText("led.colour").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await dialog.waitFor({ state: "detached" });

  await lamp.report({ led: {}, note: markup });
  const table = region.getByRole("table", { name: "What is not as desired" });
  await table.getByRole("row", { name: /\/led\/on true not reported/ }).waitFor();
  await table.getByText(markup).waitFor();
  await region.getByText("2 values are not as desired.").waitFor();
  const many = Object.fromEntries(Array.from({ length: 130 }, (_, number) => [`value-${String(number)}`, number]));
  await lamp.desire(2, many);
  await region.getByText("130 values are not as desired.").waitFor();
  await region.getByText("30 more are not shown.").waitFor();
  await lamp.report(many);
  await region.getByText("It reports all that is desired.").waitFor();
  await close();
});

it("sends a command and shows the answer when it comes", async () => {
  const lamp = await device("lamp with commands");
  const { page, close } = await open(server, { session });
  await page.goto(`/devices/${lamp.id}`);
  const region = page.getByRole("region", { name: "Commands" });
  await region.getByText("It was not asked to do anything yet.").waitFor();
  await region.getByRole("button", { name: "Send a command" }).click();
  const dialog = await opened(page);
  await dialog.getByRole("textbox", { name: "Arguments" }).fill("7");
  await dialog.getByRole("textbox", { name: "Seconds to answer" }).fill("0");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.getByText("Name the command").waitFor();
  await dialog.getByText("This is no object").waitFor();
  await dialog.getByText("Enter a whole number from 1 to 604800").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("textbox", { name: "Command" }).fill("blink");
  await dialog.getByRole("textbox", { name: "Arguments" }).fill('{"times": 3}');
  await dialog.getByRole("textbox", { name: "Seconds to answer" }).fill("600");
  await dialog.getByRole("button", { name: "Send" }).click();
  await dialog.waitFor({ state: "detached" });
  const row = region.getByRole("row", { name: /blink/ });
  await row.getByText("Waits for the device").waitFor();
  const command = await lamp.take();
  await row.getByText("The device has it").waitFor();
  await lamp.answer(command, false, { why: markup });
  await row.getByText("Failed").waitFor();
  await row.getByText(markup).waitFor();
  await close();
});

it("lets viewers read, not change", async () => {
  const lamp = await device("lamp of others");
  const { page, close } = await open(server, { session: viewer });
  await page.goto(`/devices/${lamp.id}`);
  await page.getByText("It was not asked to do anything yet.").waitFor();
  await page.getByText("Nothing is desired of it.").waitFor();
  expect(await page.getByRole("button", { name: /Edit what is desired|Send a command/ }).count()).toBe(0);
  await close();
});

describe("with everything to see", () => {
  let lamp: Device;
  const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];

  beforeAll(async () => {
    lamp = await device("busy lamp");
    await lamp.desire(0, { led: { on: true, colour: "red" }, interval: 30 });
    await lamp.report({ led: { colour: "blue" }, interval: 30, text: "long".repeat(60) });
    for (const name of ["answered", "failed", "delivered", "queued"]) {
      await lamp.ask({ name: `${name}-command`, arguments: { times: 3 }, timeout_seconds: 600 });
    }
    await lamp.ask({ name: "expired-command", timeout_seconds: 1 });
    await lamp.answer(await lamp.take(), true, { text: "long".repeat(40) });
    await lamp.answer(await lamp.take(), false, { text: "long".repeat(40) });
    await lamp.take();
  });

  it.each(looks.flatMap((look) => sizeNames.map((size) => [look, size] as const)))("has no barrier: %s, %s", async (look, size) => {
    const { page, close } = await open(server, { session, look, size });
    await page.goto(`/devices/${lamp.id}`);
    await page.getByRole("row", { name: /expired-command.*No answer in time/ }).waitFor();
    await page.getByRole("row", { name: /queued-command.*Waits for the device/ }).waitFor();
    await page.getByRole("row", { name: /led\/on/ }).waitFor();
    const shots = process.env["SENSORIUM_SHOTS"];
    if (shots !== undefined) await page.screenshot({ path: `${shots}/device-${look}-${size}.png`, fullPage: true });
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await close();
  });
});
