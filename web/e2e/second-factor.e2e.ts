/** Signing in with a code, and choosing another password with one. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks, sizes } from "./support/browser";
import { codeOf, type SecondFactor, secondFactor } from "./support/secondFactor";
import { accept, admin, call, fresh, invite, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
const password = "stars by the hundred";
let server: Sensorium;
let session: Session;
let vera: { id: string; factor: SecondFactor };

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  const { id, code } = await invite(server, session, { login: "vera", role: "viewer" });
  vera = { id, factor: await secondFactor(server, await accept(server, code, password), password) };
});

it("asks for a code once the password is right, says that a wrong one is, and goes back", async () => {
  const { page, close } = await open(server, { expectedErrors: /401/ });
  await page.goto("/login?next=%2Faccount");
  const login = page.getByLabel("Login");
  const secret = page.getByLabel("Password", { exact: true });
  const submit = page.getByRole("button", { name: "Sign in" });
  await login.fill("vera");
  await secret.fill("not the password");
  await submit.click();
  await page.getByRole("alert").filter({ hasText: /password/ }).waitFor();
  await secret.fill(password);
  await page.keyboard.press("Enter");

  const code = page.getByLabel("Code", { exact: true });
  await page.getByText("The password of vera is right.").waitFor();
  await expect.poll(() => code.evaluate((field) => field === document.activeElement)).toBe(true);
  expect(await code.getAttribute("autocomplete")).toBe("one-time-code");
  expect(await code.getAttribute("inputmode")).toBe("numeric");
  // Being asked is no failure.
  expect(await page.getByRole("alert").allTextContents()).toEqual([""]);
  await page.keyboard.press("Enter");
  await page.getByText("Enter the code").waitFor();
  await code.fill("12 34 5");
  await page.keyboard.press("Enter");
  await page.getByText("The code is wrong or was used already").waitFor();
  expect(await code.getAttribute("aria-invalid")).toBe("true");
  expect(await page.evaluate("document.activeElement.id")).toBe(await code.getAttribute("id"));
  expect(page.url()).toContain("/login");

  await page.getByRole("button", { name: "Back" }).click();
  expect(await login.inputValue()).toBe("vera");
  expect(await page.getByText("is wrong").count()).toBe(0);
  await submit.click();
  await code.fill(codeOf(vera.factor.secret, 1));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account");
  await page.getByText("You are vera").waitFor();
  await close();
});

it("takes a recovery code in its place, on a phone with letters on the keyboard", async () => {
  const { page, close } = await open(server, { size: "phone", expectedErrors: /401/ });
  await page.goto("/login?next=%2Faccount");
  await page.getByLabel("Login").fill("vera");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use a recovery code" }).tap();
  const code = page.getByLabel("Recovery code", { exact: true });
  expect(await code.getAttribute("inputmode")).toBe("text");
  await code.fill(` ${vera.factor.recoveryCodes[0] ?? ""} `);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account");
  await close();
});

it("says in place when too many codes were tried", async () => {
  const { page, close } = await open(server, { expectedErrors: /401|429/ });
  await page.goto("/login");
  await page.getByLabel("Login").fill("vera");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByLabel("Code", { exact: true }).waitFor();
  await page.route("**/api/v1/session", (route) =>
    route.fulfill({ status: 429, json: { error: "wait 7 s", code: "busy" }, headers: { "Retry-After": "7" } }),
  );
  await page.getByLabel("Code", { exact: true }).fill("123456");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "wait 7 s" }).waitFor();
  // The step stays: the code can be sent again.
  expect(await page.getByLabel("Code", { exact: true }).inputValue()).toBe("123456");
  await close();
});

it("asks for a code on the way to another password", async () => {
  const response = await call(server, session, `/api/v1/users/${vera.id}/password-reset`, { method: "POST" });
  const { code: link } = (await response.json()) as { code: string };
  const { page, close } = await open(server, { expectedErrors: /401/ });
  await page.goto(`/invitation#code=${link}`);
  await page.getByLabel("New password", { exact: true }).fill("stars by the thousand");
  await page.keyboard.press("Enter");
  await page.getByText("You have a second factor").waitFor();
  const code = page.getByLabel("Code", { exact: true });
  await code.fill("000000");
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await page.getByText("The code is wrong or was used already").waitFor();
  await page.getByRole("button", { name: "Back" }).click();
  expect(await page.getByLabel("New password", { exact: true }).inputValue()).toBe("stars by the thousand");
  await page.getByRole("button", { name: "Save and sign in" }).click();
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code", { exact: true }).fill(vera.factor.recoveryCodes[1] ?? "");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server.origin}/`);
  await page.getByRole("button", { name: "Account of vera" }).waitFor();
  await close();
});

it.each(looks.flatMap((look) => (Object.keys(sizes) as (keyof typeof sizes)[]).map((size) => [look, size] as const)))(
  "is accessible and no wider than the screen: %s, %s",
  async (look, size) => {
    const { page, close } = await open(server, { look, size, expectedErrors: /401/ });
    // The answer is made here: from one address the server takes only so many attempts.
    let asked = 0;
    await page.route("**/api/v1/session", (route) => {
      asked += 1;
      return route.fulfill({
        status: 401,
        json: { error: `the code is wrong, ${String(asked)}`, code: "unauthenticated", second_factor_needed: true },
      });
    });
    await page.goto("/login");
    await page.getByLabel("Login").fill(admin.login);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.keyboard.press("Enter");
    await page.getByLabel("Code", { exact: true }).fill("123456");
    await page.keyboard.press("Enter");
    await page.getByText("The code is wrong").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
    await close();
  },
);
