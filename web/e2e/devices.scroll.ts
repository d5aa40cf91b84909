/**
 * Measures the list of devices with 10,000 of them in headless Chromium and prints a table for docs/performance.md:
 * frames a second while it scrolls, at first with loading and then with all loaded, and how long a filter and an order take.
 */
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { call, fresh, type Sensorium, type Session, setUp } from "./support/sensorium";

const DEVICES = 10_000;
const SCROLL_S = 10;
const TRIES = 9;

const open = browserOfFile();
let server: Sensorium;
let session: Session;

beforeAll(async () => {
  server = await fresh(["--no-host-metrics"]);
  session = await setUp(server);
  for (let from = 0; from < DEVICES; from += 2_500) {
    const lines = Array.from({ length: 2_500 }, (_, index) => {
      const number = from + index;
      return `node ${String(number).padStart(5, "0")},${number % 7 !== 0},"{""room"":""${number % 40}""}","{""site"":""site ${number % 12}""}"`;
    });
    const body = ["name,enabled,attributes,tags", ...lines].join("\n");
    const answer = await call(server, session, "/api/v1/devices/import", { method: "POST", headers: { "Content-Type": "text/csv" }, body });
    expect(answer.status, await answer.text()).toBe(200);
  }
});

/** Scrolls down evenly and gives the length of each frame in milliseconds. */
function scroll(page: Page, pixelsPerSecond: number): Promise<number[]> {
  return page.evaluate(
    ([speed, seconds]) =>
      new Promise<number[]>((resolve) => {
        const frames: number[] = [];
        let begun = 0;
        let before = 0;
        window.scrollTo(0, 0);
        const frame = (now: number) => {
          if (begun === 0) begun = now;
          else frames.push(now - before);
          before = now;
          window.scrollTo(0, ((now - begun) / 1_000) * speed);
          if (now - begun < seconds * 1_000) requestAnimationFrame(frame);
          else resolve(frames);
        };
        requestAnimationFrame(frame);
      }),
    [pixelsPerSecond, SCROLL_S] as const,
  );
}

/** Milliseconds from a click until the list shows something else and that is painted. */
function click(page: Page, selector: string): Promise<number> {
  return page.evaluate(
    (what) =>
      new Promise<number>((resolve, reject) => {
        const first = () => document.querySelector("main table tbody tr[data-index='0'] th")?.textContent;
        const before = first();
        const begun = performance.now();
        const watcher = new MutationObserver(() => {
          if (first() === before || first() === undefined) return;
          watcher.disconnect();
          requestAnimationFrame(() => setTimeout(() => { resolve(performance.now() - begun); }));
        });
        watcher.observe(document.body, { subtree: true, childList: true, characterData: true });
        setTimeout(() => { reject(new Error(`nothing changed after ${what}`)); }, 10_000);
        document.querySelector<HTMLElement>(what)?.click();
      }),
    selector,
  );
}

const sorted = (values: number[]) => values.toSorted((one, other) => one - other);
const at = (values: number[], share: number) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

it("scrolls, filters and sorts 10,000 devices", async () => {
  const { page, close } = await open(server, { session, motion: true });
  await page.goto("/devices");
  await page.getByRole("link", { name: "node 00000" }).waitFor();
  const table = [
    `| ${DEVICES.toLocaleString("en")} devices | frames a second | 99 of 100 frames within | longest |`,
    "|---|---|---|---|",
  ];
  const measure = async (what: string, speed: number) => {
    const frames = await scroll(page, speed);
    const total = frames.reduce((sum, frame) => sum + frame, 0);
    table.push(`| ${what} | ${(frames.length / total * 1_000).toFixed(1)} | ${at(frames, 0.99).toFixed(1)} ms | ${Math.max(...frames).toFixed(1)} ms |`);
  };
  await measure("scrolling 100 rows a second, loading on the way", 2_800);
  // To the end, so that all are loaded.
  await expect
    .poll(
      async () => {
        await page.evaluate(() => {
          window.scrollTo(0, document.body.scrollHeight);
        });
        return page.locator("main table").getAttribute("aria-rowcount");
      },
      { timeout: 120_000, interval: 50 },
    )
    .toBe(String(DEVICES + 1));
  await measure("scrolling 100 rows a second, all loaded", 2_800);
  await measure("scrolling 1,000 rows a second, all loaded", 28_000);
  expect(await page.locator("main table tbody tr").count()).toBeLessThan(100);

  const orders: number[] = [];
  const filters: number[] = [];
  for (let round = 0; round < TRIES; round += 1) {
    // Others than before, so that nothing comes from the page's own cache.
    await page.goto(`/devices?q=site+${round}`);
    await page.getByRole("link", { name: /^node / }).first().waitFor();
    orders.push(await click(page, "main table thead th[aria-sort] a"));
    await page.getByLabel("Text").fill(`node 0${round}`);
    filters.push(await click(page, "main form[role='search'] button[type='submit']"));
  }
  table.push("", "| from the click to the painted list | median | slowest |", "|---|---|---|");
  for (const [what, times] of [["another order", orders], ["a filter", filters]] as const) {
    table.push(`| ${what} | ${at(times, 0.5).toFixed(0)} ms | ${Math.max(...times).toFixed(0)} ms |`);
  }
  console.log(`\n${table.join("\n")}\n`);
  await close();
});
