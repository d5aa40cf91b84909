/** A type of devices and a change of one are suggested, discussed, returned, accepted, refused when another change came first, and withdrawn. */
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { accept, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let editor: Session;
let viewer: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  editor = await accept(server, (await invite(server, session, { login: "grace", role: "editor" })).code, "compilers are nice");
  viewer = await accept(server, (await invite(server, session, { login: "vera", role: "viewer" })).code, "rotation curves");
});

interface Made {
  id: string;
  version: number;
}

async function send(by: Session, path: string, method: string, given: object, status: number): Promise<Made> {
  const answer = await call(server, by, path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  expect(answer.status).toBe(status);
  return (await answer.json()) as Made;
}

const definition = (name: string, table = "soil") => ({
  name,
  table,
  description: "Reads a <i>probe</i>.",
  decoder: "auto",
  fields: [{ name: "moisture", display_name: "Moisture", unit: "%", min: 0, max: 100 }],
});

const make = (name: string) => send(session, "/api/v1/device-types", "POST", definition(name), 201);

const suggest = (name: string, { id, version }: Made) =>
  send(editor, "/api/v1/submissions", "POST", { type: { id, version, definition: definition(name, "garden") } }, 201);

it("suggests a change from the list of types, shows what it changes, and makes it when it is accepted", async () => {
  await make("Soil <b>probe</b>");
  const { page, close } = await open(server, { session: editor });
  await page.goto("/devices/types");
  await page.getByRole("link", { name: "Suggest a change of Soil <b>probe</b>" }).click();
  await page.getByRole("heading", { level: 1, name: "A change of Soil <b>probe</b>" }).waitFor();
  const table = page.getByRole("textbox", { name: "Table" });
  expect(await table.inputValue()).toBe("soil");
  await table.fill("garden");
  const field = page.getByRole("group", { name: "Field 1: moisture" });
  await field.getByRole("textbox", { name: "Largest" }).fill("much");
  await page.getByRole("button", { name: "Submit" }).click();
  await field.getByText("Enter a number, or nothing").waitFor();
  expect(await violations(page)).toEqual([]);
  await field.getByRole("textbox", { name: "Largest" }).fill("60.5");
  await page.getByRole("button", { name: "Submit" }).click();
  await page.waitForURL(/\/templates\/[0-9a-f-]{36}$/);
  await page.getByRole("heading", { level: 1, name: "Soil <b>probe</b>" }).waitFor();
  const part = page.getByRole("table", { name: "Type", exact: true });
  await part.getByRole("row", { name: /Removed: table: soil/ }).waitFor();
  await part.getByRole("row", { name: /Added: table: garden/ }).waitFor();
  await part.getByRole("row", { name: /Added: field moisture: "Moisture", unit %, min 0, max 60.5/ }).waitFor();
  await page.getByText("Reads a <i>probe</i>.", { exact: true }).waitFor();
  // Its author does not decide.
  expect(await page.getByRole("button", { name: "Accept" }).count()).toBe(0);
  await close();

  const theirs = await open(server, { session });
  await theirs.page.goto("/templates?kind=type&status=waiting");
  await theirs.page.getByRole("row", { name: /Type 1 Waiting grace/ }).waitFor();
  expect(await theirs.page.getByRole("heading", { name: "In use" }).count()).toBe(0);
  await theirs.page.getByRole("link", { name: "Soil <b>probe</b>" }).click();
  await theirs.page.getByRole("textbox", { name: "Comment" }).fill("Which <script>alert(1)</script>\nprobe?");
  await theirs.page.getByRole("button", { name: "Comment" }).click();
  await theirs.page.getByRole("listitem").filter({ hasText: "Which <script>alert(1)</script>" }).waitFor();
  await theirs.page.getByRole("button", { name: "Accept" }).click();
  const dialog = theirs.page.getByRole("dialog");
  await dialog.getByText("The type is made or changed at once").waitFor();
  await dialog.getByRole("button", { name: "Accept" }).click();
  await dialog.waitFor({ state: "detached" });
  await theirs.page.getByRole("region", { name: "Status" }).getByText("Accepted").waitFor();
  expect(await theirs.page.getByRole("button", { name: "Withdraw" }).count()).toBe(0);
  await theirs.page.goto("/devices/types");
  await theirs.page.getByRole("row", { name: /Soil <b>probe<\/b> garden/ }).waitFor();
  await theirs.close();
});

it("returns a new type with a reason, and makes the next version of it", async () => {
  const { page, close } = await open(server, { session: editor, expectedErrors: /400/ });
  await page.goto("/devices/types");
  await page.getByRole("link", { name: "Suggest a type" }).click();
  await page.getByRole("heading", { level: 1, name: "A new type" }).waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill("Lamp");
  await page.getByRole("button", { name: "Submit" }).click();
  // What the server says about it.
  await page.getByRole("alert").filter({ hasText: "table of the device type cannot be used" }).waitFor();
  await page.getByRole("textbox", { name: "Table" }).fill("lamps");
  await page.getByRole("button", { name: "Submit" }).click();
  await page.waitForURL(/\/templates\/[0-9a-f-]{36}$/);
  await page.getByText("all of it is new").waitFor();

  const theirs = await open(server, { session });
  await theirs.page.goto(new URL(page.url()).pathname);
  await theirs.page.getByRole("button", { name: "Return" }).click();
  const dialog = theirs.page.getByRole("dialog");
  await dialog.getByRole("textbox", { name: "Reason" }).fill("It measures <u>nothing</u>.");
  await dialog.getByRole("button", { name: "Return" }).click();
  await dialog.waitFor({ state: "detached" });
  await theirs.page.getByText("It measures <u>nothing</u>.").waitFor();

  await page.reload();
  await page.getByText("It measures <u>nothing</u>.").waitFor();
  await page.getByRole("link", { name: "New version" }).click();
  await page.getByRole("heading", { level: 1, name: "A new type" }).waitFor();
  expect(await page.getByRole("textbox", { name: "Name" }).inputValue()).toBe("Lamp");
  await page.getByRole("button", { name: "Add a field" }).click();
  await page.getByRole("textbox", { name: "Column" }).fill("power");
  await page.getByRole("textbox", { name: "Unit" }).fill("W");
  await page.getByRole("button", { name: "Submit" }).click();
  await page.getByText("Version 2 of Lamp waits for an administrator.").waitFor();
  await close();

  await theirs.page.goto("/templates?kind=type&q=lamp&status=waiting");
  await theirs.page.getByRole("link", { name: "Lamp" }).click();
  await theirs.page.getByRole("button", { name: "Accept" }).click();
  await dialog.getByRole("button", { name: "Accept" }).click();
  await dialog.waitFor({ state: "detached" });
  await theirs.page.goto("/devices/types");
  await theirs.page.getByRole("row", { name: /Lamp lamps power W/ }).waitFor();
  await theirs.close();
});

it("says it when the type was changed meanwhile, and takes a change back", async () => {
  const of = await make("Raced");
  const { id } = await suggest("Raced", of);
  await send(session, `/api/v1/device-types/${of.id}`, "PATCH", { version: 1, description: "Other" }, 200);
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto(`/templates/${id}`);
  await page.getByRole("button", { name: "Accept" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Accept" }).click();
  await dialog.getByRole("alert").filter({ hasText: "was changed in the meantime" }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Status" }).getByText("Waiting").waitFor();
  await close();

  const theirs = await open(server, { session: editor });
  await theirs.page.goto(`/templates/${id}`);
  await theirs.page.getByRole("button", { name: "Withdraw" }).click();
  await theirs.page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
  await theirs.page.getByRole("dialog").waitFor({ state: "detached" });
  await theirs.page.getByRole("region", { name: "Status" }).getByText("Withdrawn").waitFor();
  await theirs.close();
});

it("tells viewers what is not for them, and leads back from a type that is gone", async () => {
  const { page, close } = await open(server, { session: viewer });
  await page.goto("/devices/types");
  await page.getByRole("row", { name: /Raced/ }).waitFor();
  expect(await page.getByRole("link", { name: /Suggest/ }).count()).toBe(0);
  await page.goto("/devices/types/new");
  await page.getByRole("heading", { name: "For editors" }).waitFor();
  await close();

  const theirs = await open(server, { session: editor });
  await theirs.page.goto("/devices/types/new?type=00000000-0000-4000-8000-000000000000");
  await theirs.page.getByRole("heading", { name: "There is no such type" }).waitFor();
  await theirs.close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];

describe.each(looks.flatMap((look) => sizeNames.map((size) => [look, size] as const)))("%s, %s", (look, size) => {
  it("has no barrier on its pages", async () => {
    const name = `Seen ${look} ${size}`;
    const of = await make(name);
    const { id } = await suggest(name, of);
    const { page, close } = await open(server, { session, look, size });
    const pages: [string, () => Promise<void>][] = [
      ["/templates?kind=type", () => page.getByRole("table", { name: "Submitted" }).waitFor()],
      [`/templates/${id}`, () => page.getByRole("table", { name: "What they measure" }).waitFor()],
      [`/devices/types/new?type=${of.id}`, () => page.getByRole("group", { name: "Field 1: moisture" }).waitFor()],
    ];
    for (const [path, ready] of pages) {
      await page.goto(path);
      await ready();
      await page.waitForLoadState("load");
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    }
    await close();
  });
});
