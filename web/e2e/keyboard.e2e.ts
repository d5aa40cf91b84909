/** Everything of the shell by keyboard alone. */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { opened } from "./support/focus";
import { fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
});

/** Keys are listened to in effects of the shell, after it is drawn; what is in it is asked for in effects, too, but not before those. */
const listening = (page: Page) => page.getByText("No tokens yet").waitFor();

it("skips to the content", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/tokens");
  // It comes after the heading, and until then the content has nothing to go to.
  await page.getByRole("button", { name: "New token" }).first().waitFor();
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate("document.activeElement.id")).toBe("content");
  await page.keyboard.press("Tab");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("New token");
  await close();
});

it.each(["Control+k", "/"])("goes to a page with the palette (%s)", async (key) => {
  const { page, close } = await open(server, { session });
  await page.goto("/tokens");
  await listening(page);
  await page.keyboard.press(key);
  await opened(page);
  await page.getByPlaceholder("Go to a page or do something…").waitFor();
  await page.keyboard.type("send");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/send");
  await page.keyboard.press(key);
  await opened(page);
  await page.getByPlaceholder("Go to a page or do something…").waitFor();
  await page.keyboard.press("Escape");
  await page.getByPlaceholder("Go to a page or do something…").waitFor({ state: "hidden" });
  await close();
});

it("lists the keys with ?", async () => {
  const { page, close } = await open(server, { session });
  await page.goto("/tokens");
  await listening(page);
  await page.keyboard.press("?");
  const dialog = await opened(page, "Keys");
  await dialog.getByText("Search and commands").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await close();
});

it("changes the look and remembers it", async () => {
  const { page, close } = await open(server, { session });
  const look = () => page.evaluate<string>("document.documentElement.dataset.mantineColorScheme");
  await page.goto("/tokens");
  const account = page.getByRole("button", { name: /^Account of/ });
  await account.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemradio", { name: "Dark" }).click();
  expect(await look()).toBe("dark");
  await page.reload();
  await account.waitFor();
  expect(await look()).toBe("dark");
  await close();
});
