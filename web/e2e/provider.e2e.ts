/** Signing in with a provider, linking and unlinking an account with it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks } from "./support/browser";
import { freePort, type Provider, startProvider } from "./support/provider";
import { codeOf, secondFactor } from "./support/secondFactor";
import { admin, emptyFolder, type Sensorium, serve, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let provider: Provider;
let server: Sensorium;
let session: Session;
afterAll(() => server.stop());

beforeAll(async () => {
  provider = await startProvider("sensorium");
  const http = `127.0.0.1:${await freePort()}`;
  const settings = {
    SENSORIUM_PEOPLE__OIDC__ISSUER: provider.issuer,
    SENSORIUM_PEOPLE__OIDC__CLIENT_ID: "sensorium",
    SENSORIUM_PEOPLE__OIDC__NAME: "Lab ID",
    SENSORIUM_PEOPLE__OIDC__REDIRECT_URL: `http://${http}/api/v1/session/oidc/callback`,
  };
  server = await serve(await emptyFolder(), { http, settings, args: ["--no-host-metrics"] });
  session = await setUp(server);
});

it.each(looks)("says in the %s look on a phone why nobody was signed in", async (look) => {
  const { page, close } = await open(server, { look, size: "phone", expectedErrors: /401/ });
  await page.goto("/login");
  provider.somebody = null;
  await page.getByRole("link", { name: "Sign in with Lab ID" }).click();
  await page.getByText("did not let you in").waitFor();
  provider.somebody = { sub: "1", email: "ada@example.org", email_verified: true };
  await page.getByRole("link", { name: "Sign in with Lab ID" }).click();
  await page.getByText("nobody here is linked with this account").waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  await close();
});

it("links, signs in with it, and unlinks", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /40[13]/ });
  provider.somebody = { sub: "1", email: "ada@example.org", email_verified: true };
  await page.goto("/account");
  const section = page.getByRole("region", { name: "Lab ID" });
  await section.getByText("Not linked").waitFor();
  await section.getByRole("button", { name: "Link with Lab ID" }).click();
  await section.getByText(/Linked since .* ada@example.org/).waitFor();
  expect(await violations(page)).toEqual([]);

  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.getByRole("link", { name: "Sign in with Lab ID" }).click();
  await page.waitForURL(`${server.origin}/`);

  await page.goto("/account");
  await section.getByRole("button", { name: "Unlink…" }).click();
  const dialog = page.getByRole("dialog", { name: "Unlink Lab ID?" });
  await dialog.getByRole("button", { name: "Unlink" }).click();
  await dialog.getByText("Enter your password").waitFor();
  await dialog.getByLabel("Your password", { exact: true }).fill("not the password");
  await page.keyboard.press("Enter");
  await dialog.getByText("the password is wrong").waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog.getByLabel("Your password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");
  await section.getByText("Not linked").waitFor();
  await close();
});

it("asks for the code of the second factor after the provider", async () => {
  const linking = await open(server, { expectedErrors: /40[13]/ });
  const { page } = linking;
  provider.somebody = { sub: "2", email: "ada@example.org", email_verified: true };
  await page.goto("/login");
  await page.getByLabel("Login").fill(admin.login);
  await page.getByLabel("Password", { exact: true }).fill(admin.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.origin}/`);
  await page.goto("/account");
  await page.getByRole("button", { name: "Link with Lab ID" }).click();
  await page.getByText(/Linked since/).waitFor();
  const cookie = (await linking.context.cookies()).find(({ name }) => name === session.name);
  if (cookie === undefined) throw new Error("nobody is signed in");
  const factor = await secondFactor(server, { name: cookie.name, value: cookie.value }, admin.password);
  await linking.close();

  const signing = await open(server, { expectedErrors: /401/ });
  await signing.page.goto("/login");
  await signing.page.getByRole("link", { name: "Sign in with Lab ID" }).click();
  await signing.page.getByText("Lab ID knows you").waitFor();
  const code = signing.page.getByLabel("Code", { exact: true });
  await code.fill("123");
  await signing.page.keyboard.press("Enter");
  await signing.page.getByText("The code is wrong or was used already").waitFor();
  expect(await violations(signing.page)).toEqual([]);
  await code.fill(codeOf(factor.secret, 1));
  await signing.page.keyboard.press("Enter");
  await signing.page.waitForURL(`${server.origin}/`);
  await signing.close();
});
