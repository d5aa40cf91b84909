/** A template is submitted with what the server finds wrong at its place, tried, commented on, returned, submitted again, accepted and withdrawn. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { opened } from "./support/focus";
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

interface Sent {
  id: string;
  version: number;
}

async function submit(by: Session, id: string, body = "DEVICE = {{ device | py_string }}\n"): Promise<Sent> {
  const given = {
    id,
    title: `Probe <b>${id}</b>`,
    hardware: "ESP32-C3",
    language: "micropython",
    description: "Reads a <i>probe</i>.",
    variables: [{ name: "device", label: "Name", kind: { type: "text", max_characters: 40 }, required: true }],
    files: [{ name: "main.py", body }],
  };
  const answer = await call(server, by, "/api/v1/submissions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ template: given }),
  });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Sent;
}

async function review(id: string, given: object): Promise<void> {
  const answer = await call(server, session, `/api/v1/submissions/${id}/review`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(given),
  });
  expect(answer.status).toBe(200);
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Text of file 1" }).fill(text);
}

it("says at its place what is wrong with a template, and submits it when it is right", async () => {
  const { page, close } = await open(server, { session: editor, expectedErrors: /400/ });
  await page.goto("/templates");
  await page.getByText("Nobody has submitted anything yet.").waitFor();
  await page.getByRole("link", { name: "Submit a template" }).click();
  const id = page.getByRole("textbox", { name: "Id" });
  await id.fill("Soil Probe");
  await page.getByRole("textbox", { name: "Title" }).fill("Soil probe");
  await page.getByRole("textbox", { name: "Hardware" }).fill("ESP32-C3");
  await page.getByRole("textbox", { name: "What it does" }).fill("Reads a soil probe.");
  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByRole("textbox", { name: "Variable" }).fill("device");
  await page.getByRole("textbox", { name: "Label" }).fill("Name");
  await page.getByRole("textbox", { name: "Most characters" }).fill("many");
  await write(page, "DEVICE = {{ device | c_string }}\nPIN = {{ pin }}\n");
  await page.getByRole("button", { name: "Submit" }).click();
  await page.getByText("Enter a whole number").waitFor();
  await page.getByRole("textbox", { name: "Most characters" }).fill("40");
  await page.getByRole("button", { name: "Submit" }).click();
  await page.getByRole("alert").filter({ hasText: "3 things are wrong with it." }).waitFor();
  expect(await id.getAttribute("aria-invalid")).toBe("true");
  const file = page.getByRole("group", { name: "File 1: main.py" });
  await file.getByText(/^Line 1: C_string writes|^Line 1: .*use py_string/).waitFor();
  await file.getByText(/^Line 2: There is no variable "pin"/).waitFor();
  expect(await file.locator("[data-wrong=true]").allTextContents()).toEqual(["1", "2"]);
  expect(await violations(page)).toEqual([]);

  await id.fill("soil-probe");
  await write(page, "DEVICE = {{ device | py_string }}\nPIN = {{ pin }}\n");
  // The second variable is written as JSON.
  await page.getByRole("radiogroup").getByText("JSON").click();
  const json = page.getByRole("textbox", { name: "Variables as JSON" });
  const list = JSON.parse(await json.inputValue()) as unknown[];
  await json.fill("[");
  await page.getByText(/JSON.*(input|position)/).waitFor();
  await json.fill("{}");
  await page.getByText("This is no list").waitFor();
  const pin = { name: "pin", label: "Pin", help: "", kind: { type: "integer", min: 5, max: 2 }, default: 3, required: false };
  await json.fill(JSON.stringify([...list, pin]));
  await page.getByRole("button", { name: "Submit" }).click();
  await page.getByText('variable "pin": Min is more than max').waitFor();
  await json.fill(JSON.stringify([...list, { ...pin, kind: { type: "integer", min: 0, max: 21 } }]));
  await page.getByRole("radiogroup").getByText("Form").click();
  await page.getByRole("group", { name: "Variable 2: pin" }).getByRole("textbox", { name: "Most" }).waitFor();
  await page.getByRole("button", { name: "Submit" }).click();
  await page.waitForURL(/\/templates\/[0-9a-f-]{36}$/);
  await page.getByRole("heading", { level: 1, name: "Soil probe" }).waitFor();
  await page.getByText("all of it is new").waitFor();
  // Its author does not decide.
  expect(await page.getByRole("button", { name: "Accept" }).count()).toBe(0);

  await page.getByRole("button", { name: "Fill it in" }).click();
  await page.getByRole("button", { name: "Make the code" }).click();
  await page.getByText("1 field needs another look.").waitFor();
  await page.getByRole("textbox", { name: "Name" }).fill(`bed "1"`);
  await page.getByRole("button", { name: "Make the code" }).click();
  await page.getByText(`DEVICE = "bed \\"1\\""`).waitFor();
  await close();
});

it("shows a comment as text, returns a version with a reason, and accepts the next one", async () => {
  const first = await submit(editor, "returned");
  const { page, close } = await open(server, { session });
  await page.goto("/templates?status=waiting&q=returned");
  await page.getByRole("link", { name: "Probe <b>returned</b>" }).click();
  await page.getByRole("textbox", { name: "Comment" }).fill("Which <script>alert(1)</script>\nprobe?");
  await page.getByRole("button", { name: "Comment" }).click();
  await page.getByRole("listitem").filter({ hasText: "Which <script>alert(1)</script>" }).waitFor();
  expect(await page.getByRole("textbox", { name: "Comment" }).inputValue()).toBe("");
  await page.getByRole("button", { name: "Return" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Return" }).click();
  await dialog.getByText("Say why it is returned").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("It names no <u>pin</u>.");
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Return" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("It names no <u>pin</u>.").waitFor();
  expect(await page.getByRole("button", { name: "Accept" }).count()).toBe(0);
  await page.goto("/templates?status=waiting&q=returned");
  await page.getByRole("heading", { name: "Nothing matches" }).first().waitFor();

  const theirs = await open(server, { session: editor });
  await theirs.page.goto(`/templates/${first.id}`);
  await theirs.page.getByText("It names no <u>pin</u>.").waitFor();
  await theirs.page.getByRole("link", { name: "New version" }).click();
  await theirs.page.getByRole("heading", { name: "A new version of Probe <b>returned</b>" }).waitFor();
  expect(await theirs.page.getByRole("textbox", { name: "Id" }).inputValue()).toBe("returned");
  await write(theirs.page, "# Pin 4\nDEVICE = {{ device | py_string }}\n");
  await theirs.page.getByRole("button", { name: "Submit" }).click();
  await theirs.page.getByText("waits for an administrator").waitFor();
  await theirs.close();

  await page.goto("/templates?q=returned&status=waiting");
  await page.getByRole("link", { name: "Probe <b>returned</b>" }).click();
  await page.getByRole("button", { name: "Accept" }).click();
  await dialog.getByRole("button", { name: "Accept" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.goto("/templates?q=returned");
  await page.getByRole("table", { name: "In use" }).getByRole("row", { name: /returned.*this organisation/ }).waitFor();
  await page.getByRole("table", { name: "Submitted" }).getByRole("row", { name: /2 Accepted grace/ }).waitFor();
  await close();
});

it("shows what a version changes line by line, and takes it back", async () => {
  const first = await submit(editor, "changed", "DEVICE = {{ device | py_string }}\nPIN = 3\n");
  await review(first.id, { decision: "accept" });
  const second = await submit(editor, "changed", "DEVICE = {{ device | py_string }}\n-- x\nPIN = 4\n");
  const { page, close } = await open(server, { session: editor });
  await page.goto(`/templates/${second.id}`);
  const part = page.getByRole("table", { name: "main.py" });
  await part.getByRole("row", { name: /2 Removed: PIN = 3/ }).waitFor();
  await part.getByRole("row", { name: /2 Added: -- x/ }).waitFor();
  await part.getByRole("row", { name: /3 Added: PIN = 4/ }).waitFor();
  await page.getByRole("button", { name: "Withdraw" }).click();
  // The first Enter cancels.
  const dialog = await opened(page);
  await dialog.getByText("It can no longer be accepted.").waitFor();
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Withdraw" }).click();
  await dialog.getByRole("button", { name: "Withdraw" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Status" }).getByText("Withdrawn").waitFor();
  expect(await page.getByRole("button", { name: "Withdraw" }).count()).toBe(0);
  // What is accepted is only for administrators to take away.
  await page.goto(`/templates/${first.id}`);
  await page.getByRole("region", { name: "Status" }).getByText("Accepted").waitFor();
  expect(await page.getByRole("button", { name: "Withdraw" }).count()).toBe(0);
  await close();
});

it("says it when somebody else decided first, and tells viewers what is not for them", async () => {
  const { id } = await submit(editor, "raced");
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto(`/templates/${id}`);
  await page.getByRole("button", { name: "Accept" }).click();
  await review(id, { decision: "return", reason: "No." });
  await page.getByRole("dialog").getByRole("button", { name: "Accept" }).click();
  await page.getByRole("dialog").getByRole("alert").filter({ hasText: /.+/ }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("region", { name: "Status" }).getByText("Returned").waitFor();
  await close();

  const theirs = await open(server, { session: viewer });
  await theirs.page.goto("/templates");
  await theirs.page.getByRole("table", { name: "In use" }).waitFor();
  expect(await theirs.page.getByRole("heading", { name: "Submitted" }).count()).toBe(0);
  expect(await theirs.page.getByRole("link", { name: "Submit a template" }).count()).toBe(0);
  for (const path of [`/templates/${id}`, "/templates/new"]) {
    await theirs.page.goto(path);
    await theirs.page.getByRole("heading", { name: "For editors" }).waitFor();
  }
  await theirs.close();
});

it("copies a template that comes with Sensorium, without its id", async () => {
  const { page, close } = await open(server, { session: editor });
  await page.goto("/templates?q=shell-curl");
  await page.getByRole("link", { name: /^Copy/ }).click();
  await page.getByRole("textbox", { name: "Id" }).waitFor();
  expect(await page.getByRole("textbox", { name: "Id" }).inputValue()).toBe("");
  expect(await page.getByRole("textbox", { name: "Text of file 1" }).inputValue()).toContain("line_protocol");
  await close();
});

it("leads back from a submission that does not exist", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /40[04]/ });
  for (const id of ["00000000-0000-4000-8000-000000000000", "toaster"]) {
    await page.goto(`/templates/${id}`);
    await page.getByRole("heading", { name: "There is no such submission" }).waitFor();
  }
  await close();
});

const sizeNames = Object.keys(sizes) as (keyof typeof sizes)[];

describe.each(looks.flatMap((look) => sizeNames.map((size) => [look, size] as const)))("%s, %s", (look, size) => {
  it("has no barrier on its pages", async () => {
    const first = await submit(session, "seen", "DEVICE = {{ device | py_string }}\nPIN = 3\n");
    await review(first.id, { decision: "accept", reason: "Fine." });
    const { id } = await submit(session, "seen", `DEVICE = {{ device | py_string }}\n# ${"long ".repeat(40)}\nPIN = 4\n`);
    const { page, close } = await open(server, { session, look, size });
    const shots = process.env["SENSORIUM_SHOTS"];
    const pages: [string, string, () => Promise<void>][] = [
      ["templates", "/templates", () => page.getByRole("table", { name: "Submitted" }).waitFor()],
      [
        "template",
        `/templates/${id}`,
        async () => {
          await page.getByRole("region", { name: "main.py" }).locator("[data-is]").first().waitFor();
        },
      ],
      ["template-new", `/templates/new?submission=${id}`, () => page.getByRole("textbox", { name: "Text of file 1" }).waitFor()],
    ];
    for (const [name, path, ready] of pages) {
      await page.goto(path);
      await ready();
      await page.waitForLoadState("load");
      if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}-${look}-${size}.png`, fullPage: true });
      expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    }
    await close();
  });
});
