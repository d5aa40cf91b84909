/** Signing in and out. */
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { admin, call, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

it("refuses a wrong password in a sentence, then lets in and leads to the page that was asked for", async () => {
  const { page, close } = await open(server, { expectedErrors: /401/ });
  await page.goto("/tokens");
  await page.waitForURL("**/login?next=%2Ftokens");
  await page.getByLabel("Login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: /password/i }).waitFor();
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/tokens");
  await page.getByRole("heading", { level: 1, name: "Tokens" }).waitFor();
  await expect.poll(() => page.title()).toBe("Tokens · Sensorium");
  await close();
});

it("signs out for good", async () => {
  const { page, context, close } = await open(server, { session, expectedErrors: /401/ });
  await page.goto("/tokens");
  await page.getByRole("button", { name: `Account of ${admin.login}` }).click();
  await page.getByText(admin.organisation).last().waitFor();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await page.goBack();
  await page.waitForURL("**/login**");
  expect((await context.cookies()).filter(({ value }) => value !== "")).toEqual([]);
  expect((await call(server, session, "/api/v1/session")).status).toBe(401);
  await close();
});

it("leads to the sign-in page when the session ends while the page is open", async () => {
  const { page, context, close } = await open(server, { expectedErrors: /401|ws\/live/ });
  await page.goto("/login?next=%2Ftokens");
  await page.getByLabel("Login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/tokens");
  await page.getByText("No tokens yet").waitFor();
  await context.clearCookies();
  await page.getByRole("button", { name: "New token" }).click();
  await page.waitForURL("**/login**");
  await close();
});

it("does not lead elsewhere after signing in", async () => {
  const { page, close } = await open(server, { expectedErrors: /401/ });
  await page.goto("/login?next=%2F%2Felsewhere.example");
  await page.getByLabel("Login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => !url.pathname.startsWith("/login"));
  expect(new URL(page.url()).origin).toBe(server.origin);
  await close();
});
