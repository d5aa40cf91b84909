/** A claim link is made with its QR code; whoever opens it gets a token of the device, once, without an account. */
import { beforeAll, expect, it } from "vitest";
import { overflow, violations } from "./support/axe";
import { browserOfFile } from "./support/browser";
import { call, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const open = browserOfFile();
let server: Sensorium;
let session: Session;
let id: string;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ name: "attic" });
  const made = await call(server, session, "/api/v1/devices", { method: "POST", headers, body });
  ({ id } = (await made.json()) as { id: string });
});

it("gives out one token of the device", async () => {
  const ours = await open(server, { session, expectedErrors: /404/ });
  const { page } = ours;
  await page.goto(`/devices/${id}`);
  await page.getByRole("button", { name: "Claim link" }).click();
  await page.getByRole("button", { name: "Make the link" }).click();
  await page.getByRole("img", { name: "QR code of the claim link of attic" }).waitFor();
  const link = (await page.getByRole("status", { name: "The claim link of attic" }).textContent()) ?? "";
  expect(link).toContain(`${server.origin}/claim#code=`);
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "I have it" }).click();
  await expect.poll(() => page.content()).not.toContain(link);

  const theirs = await open(server, { size: "phone", expectedErrors: /401/ });
  await theirs.page.goto(link);
  await theirs.page.waitForURL((url) => url.hash === "");
  await theirs.page.getByRole("button", { name: "Get the API token" }).click();
  await theirs.page.getByRole("heading", { name: "attic is yours to set up" }).waitFor();
  const token = (await theirs.page.getByRole("status", { name: "The API token of attic" }).textContent()) ?? "";
  expect(await violations(theirs.page)).toEqual([]);
  expect(await overflow(theirs.page)).toBe(0);
  const written = await fetch(`${server.origin}/write?db=main`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    body: "climate temperature=21.5",
  });
  expect(written.status).toBe(204);
  // Another document: only the fragment differs.
  await theirs.page.goto("about:blank");
  await theirs.page.goto(link);
  await theirs.page.getByRole("button", { name: "Get the API token" }).click();
  await theirs.page.getByText("this claim link does not work").waitFor();
  await theirs.close();

  // One that is out is told, and revoked.
  await page.getByRole("button", { name: "Claim link" }).click();
  await page.getByRole("button", { name: "Make the link" }).click();
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Claim link" }).click();
  await page.getByText(/A claim link is out/).waitFor();
  await page.getByRole("button", { name: "Revoke it" }).click();
  await page.getByText(/A claim link is out/).waitFor({ state: "detached" });
  await ours.close();
});
