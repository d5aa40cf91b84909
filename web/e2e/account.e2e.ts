/** One's own account: other sessions end, the password changes, and one signs out. */
import { expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { admin, fresh, type Sensorium, setUp } from "./support/sensorium";

const open = browserOfFile();

function signIn(server: Sensorium, agent: string, password = admin.password): Promise<Response> {
  return fetch(`${server.origin}/api/v1/session`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": agent, Origin: server.origin },
    body: JSON.stringify({ login: admin.login, password }),
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
  expect(await current.inputValue()).toBe("");
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
  await page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: "Account" }).waitFor({ state: "hidden" });
  await more.tap();
  await page.getByRole("menuitem", { name: "Account" }).tap();
  await page.waitForURL("**/account");
  await page.getByRole("row", { name: /this one/ }).waitFor();
  await close();
});
