/** One's own account: other sessions end, the password changes, a second factor comes and goes, and one signs out. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { focusIn, opened } from "./support/focus";
import { codeOf } from "./support/secondFactor";
import { admin, fresh, type Sensorium, setUp } from "./support/sensorium";

const open = browserOfFile();

function signIn(server: Sensorium, agent: string, password = admin.password, code?: string): Promise<Response> {
  return fetch(`${server.origin}/api/v1/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": agent, Origin: server.origin },
    body: JSON.stringify({ login: admin.login, password, second_factor: code }),
  });
}

it("ends sessions, changes the password and signs out", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const session = await setUp(server);
  for (const agent of ["<i>a phone</i>", "curl/8.5.0", "a tablet"]) {
    expect((await signIn(server, agent)).status).toBe(200);
  }
  const { page, close } = await open(server, { session, expectedErrors: /401|403/ });
  await page.goto("/account");
  await page.getByText("You are ada, Owner of Analytical Engines.").waitFor();
  await page.getByRole("row", { name: /this one/ }).waitFor();
  await page.getByRole("button", { name: "End the session of <i>a phone</i>" }).click();
  await page.getByText("The session has ended.").waitFor();
  await page.getByRole("row", { name: /a phone/ }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "End all others" }).click();
  await page.getByText("2 sessions have ended.").waitFor();
  await page.getByRole("row", { name: /curl/ }).waitFor({ state: "detached" });
  expect(await page.getByRole("button", { name: "End all others" }).count()).toBe(0);

  const current = page.getByLabel("Current password", { exact: true });
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Enter the password that you have").waitFor();
  await current.fill("not the password");
  await page.getByLabel("New password", { exact: true }).fill("another notion of hers");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByRole("alert").filter({ hasText: "the current password is wrong" }).waitFor();
  await current.fill(admin.password);
  await page.keyboard.press("Enter");
  await page.getByText("Your password is changed.").waitFor();
  await expect.poll(() => current.inputValue()).toBe("");
  expect((await signIn(server, "old", admin.password)).status).toBe(401);
  expect((await signIn(server, "new", "another notion of hers")).status).toBe(200);

  await page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await close();
});

it("is reached from the bottom bar of a phone, by keyboard too", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const session = await setUp(server);
  const { page, close } = await open(server, { session, size: "phone" });
  await page.goto("/tokens");
  const more = page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "More" });
  await more.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Account" }).waitFor();
  await focusIn(page.getByRole("menu"));
  await page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: "Account" }).waitFor({ state: "hidden" });
  await more.tap();
  await page.getByRole("menuitem", { name: "Account" }).tap();
  await page.waitForURL("**/account");
  await page.getByRole("row", { name: /this one/ }).waitFor();
  await close();
});

it("sets up a second factor, keeps the recovery codes, and removes it", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const session = await setUp(server);
  const { page, context, close } = await open(server, { session, expectedErrors: /403/ });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.origin });
  await page.goto("/account");
  const section = page.getByRole("region", { name: "Second factor" });
  await section.getByText("Off", { exact: true }).waitFor();
  await section.getByRole("button", { name: "Set it up…" }).click();
  const dialog = await opened(page);
  const password = dialog.getByLabel("Your password", { exact: true });
  await page.keyboard.press("Enter");
  await dialog.getByText("Enter your password").waitFor();
  await password.fill("not the password");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "the password is wrong" }).waitFor();
  await password.fill(admin.password);
  await page.keyboard.press("Enter");

  await dialog.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  expect(await violations(page)).toEqual([]);
  const secret = ((await dialog.getByRole("status", { name: "The secret" }).textContent()) ?? "").replaceAll(" ", "");
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  await dialog.getByRole("button", { name: /^Copy.*secret/ }).click();
  await dialog.getByRole("button", { name: /^Copied/ }).waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(secret);
  const code = dialog.getByLabel("Code", { exact: true });
  await code.fill("000000");
  await page.keyboard.press("Enter");
  await dialog.getByText(/the code is wrong/i).waitFor();
  await code.fill(codeOf(secret));
  await page.keyboard.press("Enter");

  const codes = dialog.getByRole("status", { name: "Recovery codes" });
  await codes.waitFor();
  // What is shown once is not lost by a key.
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  const shown = ((await codes.textContent()) ?? "").split("\n");
  expect(new Set(shown).size).toBe(10);
  expect(await violations(page)).toEqual([]);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Download" }).click(),
  ]);
  const file = await readFile(await download.path(), "utf8");
  expect(file).toBe(`Recovery codes of ada at Analytical Engines, ${server.origin}\n\n${shown.join("\n")}\n`);
  await dialog.getByRole("button", { name: /^Copy/ }).click();
  await dialog.getByRole("button", { name: /^Copied/ }).waitFor();
  expect(await page.evaluate("navigator.clipboard.readText()")).toBe(shown.join("\n"));
  await dialog.getByRole("button", { name: "I have kept them" }).click();
  await dialog.waitFor({ state: "detached" });
  await section.getByText(/^On since/).waitFor();
  await section.getByText("10 recovery codes are left.").waitFor();
  await expect.poll(() => page.content()).not.toContain(shown[0]);

  // One of them lets in, and is then no longer left.
  expect((await signIn(server, "with a recovery code", admin.password, shown[0])).status).toBe(200);
  expect((await signIn(server, "with the same", admin.password, shown[0])).status).toBe(401);
  await page.reload();
  await section.getByText("9 recovery codes are left.").waitFor();

  await section.getByRole("button", { name: "Remove…" }).click();
  await password.fill(admin.password);
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByText("Enter the code").waitFor();
  await dialog.getByLabel("Code", { exact: true }).fill("000000");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").filter({ hasText: "the code is wrong" }).waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByLabel("Code", { exact: true }).fill(codeOf(secret, 1));
  await page.keyboard.press("Enter");
  await page.getByText("The second factor is removed.").waitFor();
  await section.getByText("Off", { exact: true }).waitFor();
  expect((await signIn(server, "without a code")).status).toBe(200);
  await close();
});

it("says when few recovery codes are left, and when it cannot be known", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const session = await setUp(server);
  const { page, close } = await open(server, { session, size: "phone", expectedErrors: /403/ });
  const answer = (status: number, json: object) => page.route("**/account/second-factor", (route) => route.fulfill({ status, json }));
  await answer(200, { enabled: true, since: "2026-01-02T03:04:05Z", recovery_codes_left: 1 });
  await page.goto("/account");
  await page.getByText("1 recovery code is left. Remove the second factor and set it up again").waitFor();
  expect(await violations(page)).toEqual([]);
  await answer(403, { error: "not for you", code: "denied" });
  await page.reload();
  await page.getByRole("region", { name: "Second factor" }).getByRole("alert").filter({ hasText: "not for you" }).waitFor();
  await close();
});
