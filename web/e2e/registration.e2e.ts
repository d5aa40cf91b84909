/** Somebody asks for an account, is let in with a class, and sees its quotas. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile, looks } from "./support/browser";
import { opened } from "./support/focus";
import { fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
const PASSWORD = "a notion of her own";
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"], { SENSORIUM_PEOPLE__REGISTRATION: "true" });
  session = await setUp(server);
});

it("adds a class, lets in who asked to join, and shows them their quotas", async () => {
  const ours = await open(server, { session, expectedErrors: /409/ });
  const { page } = ours;
  await page.goto("/people");
  await page.getByText("There are no classes").waitFor();
  await page.getByRole("button", { name: "Add a class" }).click();
  await opened(page);
  await page.getByLabel("Devices").fill("many");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Give it a name").waitFor();
  await page.getByText("Use a whole number, or leave it empty").waitFor();
  await page.getByLabel("Name").fill("<i>Guests</i>");
  await page.getByLabel("Devices").fill("10");
  await page.getByLabel("Days kept").fill("30");
  await page.getByLabel("Storage in GiB").fill("no end");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Use a number such as 10 or 0.5, or leave it empty").waitFor();
  await page.getByLabel("Storage in GiB").fill("1.5");
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Save" }).click();
  const row = page.getByRole("row", { name: /Guests/ });
  await row.waitFor();
  // As text, not as markup.
  expect(await row.textContent()).toContain("<i>Guests</i>10not bound301.5 GiB");
  await row.getByRole("button", { name: /^Change/ }).click();
  await opened(page);
  await page.getByLabel("Points a second").fill("1000");
  await page.getByRole("button", { name: "Save" }).click();
  await row.getByText("1,000").waitFor();

  const theirs = await open(server, { expectedErrors: /40[139]/, size: "phone" });
  await theirs.page.goto("/login");
  await theirs.page.getByRole("link", { name: "Ask for an account" }).click();
  await theirs.page.getByRole("heading", { name: "Ask for an account" }).waitFor();
  await theirs.page.getByRole("button", { name: "Ask", exact: true }).click();
  await theirs.page.getByText("Choose a login").waitFor();
  await theirs.page.getByLabel("Login").fill("ada");
  await theirs.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await theirs.page.getByRole("button", { name: "Ask", exact: true }).click();
  await theirs.page.getByText("this login is taken").waitFor();
  await theirs.page.getByLabel("Login").fill("nina");
  await theirs.page.getByLabel("Name").fill("Nina");
  await theirs.page.keyboard.press("Enter");
  await theirs.page.getByText("You have asked").waitFor();
  await theirs.page.getByRole("link", { name: "Sign in instead" }).click();
  await theirs.page.getByLabel("Login").fill("nina");
  await theirs.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await theirs.page.getByRole("button", { name: "Sign in" }).click();
  await theirs.page.getByText("no administrator has decided yet").waitFor();

  await page.reload();
  const nina = page.getByRole("row", { name: /nina/ });
  await nina.getByText("Asks to join").waitFor();
  await page.getByRole("button", { name: "Actions for nina" }).click();
  await page.getByRole("menuitem", { name: "Let in…" }).click();
  const dialog = await opened(page, "Let nina in?");
  await dialog.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: /^Editor/ }).click();
  await dialog.getByRole("combobox", { name: "Class" }).click();
  await page.getByRole("option", { name: "<i>Guests</i>" }).click();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Let in" }).click();
  await nina.getByText("Active").waitFor();
  await nina.getByText("Editor · <i>Guests</i>").waitFor();
  await row.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByText("1 people are in class").waitFor();
  await ours.close();

  await theirs.page.getByRole("button", { name: "Sign in" }).click();
  await theirs.page.waitForURL(`${server.origin}/`);
  await theirs.page.goto("/account");
  await theirs.page.getByRole("heading", { name: "Quotas" }).waitFor();
  await theirs.page.getByText("0 of 10").waitFor();
  await theirs.page.getByText("30 days").waitFor();
  await theirs.page.getByText("0 B of 1.5 GiB").waitFor();
  expect(await violations(theirs.page)).toEqual([]);
  expect(await overflow(theirs.page)).toBe(0);
  await theirs.close();
});

it.each(looks)("offers the form in the %s look on a phone, and says where nobody may ask", async (look) => {
  const { page, close } = await open(server, { look, size: "phone" });
  await page.goto("/register");
  await page.getByLabel("Login").waitFor();
  expect(await violations(page)).toEqual([]);
  expect(await overflow(page)).toBe(0);
  await page.route("**/api/v1/registration", (route) => route.fulfill({ json: { open: false } }));
  await page.reload();
  await page.getByText("Ask an administrator for an invitation").waitFor();
  await close();
});
