/** Somebody is invited, chooses a password, gets another role, is suspended, and is deleted. */
import { beforeAll, expect, it } from "vitest";
import { violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { secondFactor } from "./support/secondFactor";
import { accept, admin, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("invites a person, who chooses a password, and suspends and deletes them", async () => {
  const ours = await open(server, { session });
  const page = ours.page;
  await page.goto("/people");
  await page.getByText("You are the only one here").waitFor();
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("button", { name: "Make the invitation" }).click();
  await page.getByText("Give them a login").waitFor();
  await page.getByLabel("Login").fill("vera");
  await page.getByLabel("Name").fill("<b>Vera</b>");
  await page.getByRole("button", { name: "Make the invitation" }).click();
  const link = (await page.getByRole("status", { name: "The link for vera" }).textContent()) ?? "";
  expect(link).toContain(`${server.origin}/invitation#code=`);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "I have copied it" }).click();
  const row = page.getByRole("row", { name: /vera/ });
  await row.getByText("Invited").waitFor();
  // As text, not as markup.
  expect(await row.textContent()).toContain("<b>Vera</b>");
  await expect.poll(() => page.content()).not.toContain(link);

  const theirs = await open(server, { expectedErrors: /401/ });
  await theirs.page.goto(link);
  await theirs.page.waitForURL((url) => url.hash === "");
  await theirs.page.getByLabel("New password", { exact: true }).fill("short");
  await theirs.page.getByRole("button", { name: "Save and sign in" }).click();
  await theirs.page.getByText("Use at least 10 characters").waitFor();
  await theirs.page.getByLabel("New password", { exact: true }).fill("a notion of her own");
  await theirs.page.keyboard.press("Enter");
  await theirs.page.waitForURL(`${server.origin}/`);
  await theirs.page.getByRole("button", { name: "Account of vera" }).waitFor();
  // A viewer is not led to what only administrators may see, and is told why.
  expect(await theirs.page.getByRole("link", { name: "People" }).count()).toBe(0);
  await theirs.page.goto("/people");
  await theirs.page.getByRole("heading", { name: "For administrators" }).waitFor();

  await page.reload();
  await row.getByText("Active").waitFor();
  await page.getByRole("button", { name: "Actions for vera" }).click();
  await page.getByRole("menuitem", { name: "Suspend…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
  await row.getByText("Suspended").waitFor();
  await theirs.page.goto("/tokens");
  await theirs.page.waitForURL(/\/login/);
  await theirs.close();

  await page.getByRole("button", { name: "Actions for vera" }).click();
  await page.getByRole("menuitem", { name: "Let in again" }).click();
  await row.getByText("Active").waitFor();
  await page.getByRole("button", { name: "Actions for vera" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Actions for vera" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await row.waitFor({ state: "detached" });
  await ours.close();
});

it("makes another invitation in the place of one, revokes it, and resets a password", async () => {
  const { page, close } = await open(server, { session });
  const { code } = await invite(server, session, { login: "grace", role: "editor" });
  const status = async (sent: string) => {
    const response = await fetch(`${server.origin}/api/v1/invitations/accept`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: server.origin },
      body: JSON.stringify({ code: sent, password: "compilers are nice" }),
    });
    return response.status;
  };
  const codeShown = async (name: string) => {
    const shown = (await page.getByRole("status", { name }).textContent()) ?? "";
    await page.getByRole("button", { name: "I have copied it" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    return new URLSearchParams(new URL(shown).hash.slice(1)).get("code") ?? "";
  };
  const choose = async (action: string) => {
    await page.getByRole("button", { name: "Actions for grace" }).click();
    await page.getByRole("menuitem", { name: action }).click();
  };
  await page.goto("/people");
  const row = page.getByRole("row", { name: /grace/ });
  await choose("Make another invitation");
  const second = await codeShown("The link for grace");
  expect(second).not.toBe(code);
  expect(await status(code)).toBe(401);
  await choose("Revoke the invitation");
  await row.getByText("Invitation no longer good").waitFor();
  expect(await status(second)).toBe(401);
  await choose("Make another invitation");
  expect(await status(await codeShown("The link for grace"))).toBe(200);
  await page.reload();
  await row.getByText("Active").waitFor();

  await choose("Make a link for another password");
  const reset = await codeShown("The link for grace");
  await row.getByText(/password link good until/).waitFor();
  expect(await status(reset)).toBe(200);
  await close();
});

it("removes the second factor of somebody who has lost it, and asks first", async () => {
  const { code } = await invite(server, session, { login: "hedy", role: "viewer" });
  const password = "hopping frequencies";
  await secondFactor(server, await accept(server, code, password), password);
  const signIn = async () => {
    const response = await fetch(`${server.origin}/api/v1/session`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: server.origin },
      body: JSON.stringify({ login: "hedy", password }),
    });
    return response.status;
  };
  const { page, close } = await open(server, { session, size: "phone", expectedErrors: /404/ });
  await page.goto("/people");
  const ask = async () => {
    await page.getByRole("button", { name: "Actions for hedy" }).click();
    await page.getByRole("menuitem", { name: "Remove the second factor…" }).click();
  };
  const dialog = page.getByRole("dialog", { name: "Remove the second factor of hedy?" });
  await ask();
  await dialog.getByText("Make sure who asks.").waitFor();
  expect(await violations(page)).toEqual([]);
  // The first Enter cancels.
  await opened(page);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  expect(await signIn()).toBe(401);
  await ask();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("hedy signs in without a second factor.").waitFor();
  await dialog.waitFor({ state: "detached" });
  expect(await signIn()).toBe(200);
  // There is none any more.
  await ask();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("alert").filter({ hasText: "second factor" }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: `Actions for ${admin.login}` }).click();
  await page.getByRole("menuitem", { name: "Suspend…" }).waitFor();
  expect(await page.getByRole("menuitem", { name: /second factor/ }).count()).toBe(0);
  await close();
});

it("shows what somebody else changed meanwhile, and lets the person choose", async () => {
  const { id, code } = await invite(server, session, { login: "joan", name: "Joan", role: "viewer" });
  const joan = await accept(server, code, "another notion still");
  expect((await call(server, joan, "/api/v1/session")).status).toBe(200);
  const change = (body: object) =>
    call(server, session, `/api/v1/users/${id}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const now = async () =>
    (await (await call(server, session, `/api/v1/users/${id}`)).json()) as { name: string; role: string; version: number };
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto("/people");
  await page.getByRole("button", { name: "Actions for joan" }).click();
  await page.getByRole("menuitem", { name: "Change…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Joan Clarke");
  expect((await change({ version: (await now()).version, role: "editor", name: "J. Clarke" })).status).toBe(200);
  await dialog.getByRole("button", { name: "Save" }).click();
  const conflict = dialog.getByRole("alert").filter({ hasText: "Somebody else changed joan meanwhile" });
  await conflict.getByText("was “Joan”, is “J. Clarke”").waitFor();
  await conflict.getByText("was Viewer, is Editor").waitFor();
  expect(await violations(page)).toEqual([]);
  // What was typed stays, what nobody touched here follows.
  expect(await dialog.getByLabel("Name").inputValue()).toBe("Joan Clarke");
  await dialog.getByRole("button", { name: "Save mine anyway" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await now()).toMatchObject({ name: "Joan Clarke", role: "editor" });

  await page.getByRole("row", { name: /Joan Clarke/ }).waitFor();
  await page.getByRole("button", { name: "Actions for joan" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  expect((await change({ version: (await now()).version, role: "viewer" })).status).toBe(200);
  await dialog.getByRole("button", { name: "Delete" }).click();
  await dialog.getByText("was Editor, is Viewer").waitFor();
  await dialog.getByRole("button", { name: "Keep it as it is now" }).click();
  await dialog.waitFor({ state: "detached" });
  expect(await now()).toMatchObject({ role: "viewer" });
  await close();
});

it("shows the server's refusal to lose the last owner", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /409/ });
  await page.goto("/people");
  await page.getByRole("button", { name: `Actions for ${admin.login}` }).click();
  await page.getByRole("menuitem", { name: "Change…" }).click();
  const dialog = await opened(page);
  // It closes when it loses the focus.
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: /^Viewer/ }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").filter({ hasText: "this is the last active owner" }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await close();
});

it("says so when the list cannot be loaded", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /403/ });
  await page.route("**/api/v1/users?**", (route) =>
    route.fulfill({ status: 403, json: { error: "only administrators may see people", code: "denied" } }),
  );
  await page.goto("/people");
  await page.getByRole("alert").filter({ hasText: "only administrators may see people" }).waitFor();
  await close();
});

it("refuses a link that no longer works in a sentence", async () => {
  const { page, close } = await open(server, { expectedErrors: /401/ });
  await page.goto("/invitation");
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await page.getByText("Enter the code of your link").waitFor();
  await page.getByLabel("Code").fill("not a code");
  await page.getByLabel("New password", { exact: true }).fill("long enough it is");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: /link/ }).waitFor();
  await close();
});
