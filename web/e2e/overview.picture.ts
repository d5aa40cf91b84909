/** Makes docs/images/overview.png: the overview after a while of real readings. */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { browserOfFile } from "./support/browser";
import { fresh, setUp, token } from "./support/sensorium";

const open = browserOfFile();
const images = fileURLToPath(new URL("../../docs/images/", import.meta.url));
/** Long enough for the graphs to have a shape. */
const WATCHED_MS = 120_000;

it("makes the picture of the overview", async () => {
  const server = await fresh();
  const session = await setUp(server);
  const secret = await token(server, session, { can_read: false, can_write: true });
  const { page, close } = await open(server, { session, look: "dark" });
  await page.goto("/");
  await page.locator("canvas").first().waitFor();
  const end = Date.now() + WATCHED_MS;
  for (let second = 0; Date.now() < end; second += 1) {
    const lines = ["kitchen", "attic", "lab"].map((place, index) => {
      const swing = Math.sin(second / 20 + index);
      const temperature = (20.5 + index * 1.5 + swing).toFixed(2);
      const humidity = (47 - index * 3 - 2 * swing).toFixed(1);
      return `room,place=${place} temperature=${temperature},humidity=${humidity}`;
    });
    await fetch(`${server.origin}/write?db=main`, {
      method: "POST",
      headers: { Authorization: `Bearer ${secret}` },
      body: lines.join("\n"),
    });
    await page.waitForTimeout(1_000);
  }
  await mkdir(images, { recursive: true });
  await page.screenshot({ path: `${images}overview.png` });
  await close();
});
