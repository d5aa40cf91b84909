/** A token is created, shown once, works, and is revoked. */
import { expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { fresh, setUp } from "./support/sensorium";

const open = browserOfFile();

it("creates a token that works until it is revoked", async () => {
  const server = await fresh();
  const session = await setUp(server);
  const { page, close } = await open(server, { session });
  const status = async (secret: string) =>
    (await fetch(`${server.origin}/api/v1/databases`, { headers: { Authorization: `Bearer ${secret}` } })).status;

  await page.goto("/tokens");
  await page.getByText("No tokens yet").waitFor();
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("button", { name: "Create the token" }).click();
  await page.getByText("Say what will use it").waitFor();
  await page.getByLabel("Name").fill("porch lamp");
  await page.getByRole("checkbox", { name: /^Read/ }).check();
  await page.getByRole("button", { name: "Create the token" }).click();
  const shown = page.getByRole("status", { name: "The token “porch lamp”" });
  const secret = (await shown.textContent()) ?? "";
  expect(secret).toMatch(/^sen_/);
  expect(await status(secret)).toBe(200);
  await page.getByRole("button", { name: "I have copied it" }).click();

  const row = page.getByRole("row", { name: /porch lamp/ });
  await row.waitFor();
  expect(await row.textContent()).toContain("Read, Write");
  await expect.poll(() => page.content()).not.toContain(secret);

  await page.getByRole("button", { name: "Revoke porch lamp" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  expect(await status(secret)).toBe(200);
  await page.getByRole("button", { name: "Revoke porch lamp" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No tokens yet").waitFor();
  expect(await status(secret)).toBe(401);
  await close();
});
