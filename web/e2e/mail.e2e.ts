/** An e-mail address is set and confirmed, and a forgotten password becomes another one. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks } from "./support/browser";
import { opened } from "./support/focus";
import { admin, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";
import { linkOf, type Smtp, smtp } from "./support/smtp";

const open = browserOfFile();
let mail: Smtp;
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  mail = await smtp();
  server = await fresh(["--no-host-metrics"], {
    SENSORIUM_HTTP__PUBLIC_URL: "https://sensors.example.org",
    SENSORIUM_MAIL__HOST: "127.0.0.1",
    SENSORIUM_MAIL__PORT: String(mail.port),
    SENSORIUM_MAIL__SECURITY: "none",
    SENSORIUM_MAIL__FROM: "Sensorium <sensorium@example.org>",
  });
  session = await setUp(server);
});

it("confirms an address, invites by mail, and lets in whoever forgot the password", async () => {
  const { page, close } = await open(server, { session, expectedErrors: /40[013]|Authentication failed/ });
  await page.goto("/account");
  await page.getByText("You have none.").waitFor();
  await page.getByLabel("Your address").fill("ada@example.org");
  await page.getByRole("button", { name: "Set the address" }).click();
  await page.getByText("Enter your password").waitFor();
  await page.getByLabel("Password of your account").fill("not the password");
  await page.getByRole("button", { name: "Set the address" }).click();
  await page.getByText("the password is wrong").waitFor();
  await page.getByLabel("Password of your account").fill(admin.password);
  await page.getByRole("button", { name: "Set the address" }).click();
  await page.getByText("ada@example.org, not confirmed yet").waitFor();
  expect(await violations(page)).toEqual([]);
  const confirm = await mail.next();
  expect(confirm).toMatchObject({ to: ["ada@example.org"], subject: "Confirm your e-mail address" });
  await page.goto(linkOf(confirm, server.origin));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText("The address of ada is confirmed.").waitFor();
  expect(page.url()).toBe(`${server.origin}/confirm-email`);
  expect(await violations(page)).toEqual([]);
  await page.goto("/people");
  await page.getByRole("row", { name: /ada@example.org, confirmed/ }).waitFor();
  await page.getByRole("button", { name: "Invite" }).click();
  await opened(page);
  await page.getByLabel("Login").fill("vera");
  await page.getByLabel("E-mail address").fill("vera@example.org");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Make the invitation" }).click();
  await page.getByText("It was sent to their e-mail address as well.").waitFor();
  expect(await mail.next()).toMatchObject({ to: ["vera@example.org"] });

  const theirs = await open(server, { size: "phone", expectedErrors: /401/ });
  await theirs.page.goto("/login");
  await theirs.page.getByRole("link", { name: "Forgot password?" }).click();
  await theirs.page.getByRole("button", { name: "Send the link" }).click();
  await theirs.page.getByText("Enter your login or your e-mail address").waitFor();
  await theirs.page.getByLabel("Login or e-mail address").fill("Ada@Example.org");
  await theirs.page.keyboard.press("Enter");
  await theirs.page.getByText("Look into your mail").waitFor();
  expect(await violations(theirs.page)).toEqual([]);
  await theirs.page.goto(linkOf(await mail.next(), server.origin));
  await theirs.page.getByLabel("New password", { exact: true }).fill("another notion of hers");
  await theirs.page.keyboard.press("Enter");
  await theirs.page.waitForURL(`${server.origin}/`);
  expect(await mail.next()).toMatchObject({ to: ["ada@example.org"], subject: "Your password was changed" });
  await theirs.page.goto("/account");
  await theirs.page.getByText("ada@example.org, confirmed").waitFor();
  expect(await overflow(theirs.page)).toBe(0);
  await theirs.close();

  // The older session has ended.
  await page.goto("/account");
  await page.waitForURL("**/login?**");
  await close();
});

it.each(looks)("offers the forms in the %s look on a phone, and says when there is no mail", async (look) => {
  const { page, close } = await open(server, { look, size: "phone" });
  for (const path of ["/forgot", "/confirm-email"]) {
    await page.goto(path);
    await page.getByRole("textbox").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  }
  await page.route("**/api/v1/password-reset", (route) => route.fulfill({ json: { open: false } }));
  await page.goto("/forgot");
  await page.getByText("Ask an administrator for a link").waitFor();
  await close();
});
