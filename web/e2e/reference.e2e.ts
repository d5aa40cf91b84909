/** The API page tries an operation against the server it came from. */
import { expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { admin, fresh, setUp } from "./support/sensorium";

const open = browserOfFile();

it("lists the operations and tries them", async () => {
  const server = await fresh(["--no-host-metrics"]);
  const session = await setUp(server);
  const { page, close } = await open(server, { session, expectedErrors: /404/ });
  await page.goto("/reference");
  await page.getByLabel("Filter operations").fill("get session");
  await page.getByRole("link", { name: /GET\s*\/api\/v1\/session\s+Say/ }).click();
  await page.waitForURL(/operation=/);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText(/^200/).first().waitFor();
  expect(await page.getByRole("region", { name: "Answer" }).textContent()).toContain(`"login": "${admin.login}"`);

  await page.goto(`/reference?operation=${encodeURIComponent("get /api/v1/databases/{database}/last")}`);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("Fill in “database” first.").waitFor();
  await page.getByLabel("database").fill("nowhere");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText(/^404/).first().waitFor();
  expect(await page.getByRole("region", { name: "Answer" }).textContent()).toContain("nowhere");
  await close();
});
