/**
 * Measures the list of devices with 10,000 of them in headless Chromium and prints tables for docs/performance.md: frames
 * a second while it scrolls, without and with rows that arrive, beside a page with nothing in it; and how long it takes
 * from a click to a list in another order or with another filter. Medians of rounds; nothing fails for being slow.
 */
import { loadavg } from "node:os";
import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { browserOfFile } from "./support/browser";
import { call, fresh, type Sensorium, type Session, setUp, token } from "./support/sensorium";

const DEVICES = 10_000;
const SCROLL_S = 4;
const SCROLL_ROUNDS = 5;
const CLICK_ROUNDS = 9;
const ROWS_PER_S = 1_000;
/** Requests of the load: each brings a tenth of a second of it. */
const REQUESTS_PER_S = 10;
/** Rows are 28 pixels high. */
const SPEEDS = [
  ["100 rows a second", 2_800],
  ["1,000 rows a second", 28_000],
] as const;

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

/** Writes so many rows a second until it is told to stop, which gives how many a second were acknowledged. */
async function rowsArrive(): Promise<() => Promise<number>> {
  const secret = await token(server, session, { can_read: false, can_write: true });
  const begun = performance.now();
  let rows = 0;
  let sent = 0;
  let writing = Promise.resolve();
  const timer = setInterval(() => {
    const lines = Array.from({ length: ROWS_PER_S / REQUESTS_PER_S }, (_, index) => `climate,device=node\\ ${String((sent + index) % DEVICES).padStart(5, "0")} temperature=${20 + (index % 9)}`);
    sent += lines.length;
    writing = writing.then(async () => {
      const answer = await fetch(`${server.origin}/write?db=main`, { method: "POST", headers: { Authorization: `Bearer ${secret}` }, body: lines.join("\n") });
      expect(answer.status).toBe(204);
      rows += lines.length;
    });
  }, 1_000 / REQUESTS_PER_S);
  return async () => {
    clearInterval(timer);
    await writing;
    return rows / ((performance.now() - begun) / 1_000);
  };
}

const sorted = (values: readonly number[]) => values.toSorted((one, other) => one - other);
const at = (values: readonly number[], share: number) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
const perSecond = (frames: readonly number[]) => (frames.length / frames.reduce((sum, frame) => sum + frame, 0)) * 1_000;
const load = () => `load of the machine ${(loadavg()[0] ?? Number.NaN).toFixed(1)}`;

/** The list in a tab of its own, whose requests go straight to the server from now on. */
async function list() {
  const tab = await open(server, { session, motion: true });
  await tab.page.goto("/devices");
  await tab.page.getByRole("link", { name: "node 00000" }).waitFor();
  await tab.page.waitForLoadState("networkidle");
  await tab.context.unrouteAll();
  return tab;
}

it("scrolls 10,000 devices", async () => {
  const { page, close } = await list();
  const empty = await open(server, { session, motion: true });
  await empty.page.setContent(`<div style="height: ${DEVICES * 28}px"></div>`);
  const figures = new Map<string, number[][]>();
  const measure = async (tab: Page, what: string, speed: number) => {
    await tab.bringToFront();
    figures.set(what, [...(figures.get(what) ?? []), await scroll(tab, speed)]);
  };
  await measure(page, "100 rows a second, loading on the way", 2_800);
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
  const arrived: number[] = [];
  for (let round = 0; round < SCROLL_ROUNDS; round += 1) {
    for (const [what, speed] of SPEEDS) await measure(page, what, speed);
    await measure(empty.page, "an empty page, as fast", 28_000);
    const stop = await rowsArrive();
    for (const [what, speed] of SPEEDS) await measure(page, `${what}, rows arrive`, speed);
    await measure(empty.page, "an empty page, as fast, rows arrive", 28_000);
    arrived.push(await stop());
  }
  expect(await page.locator("main table tbody tr").count()).toBeLessThan(100);
  const table = [
    `| ${DEVICES.toLocaleString("en")} devices, ${SCROLL_ROUNDS} rounds, ${load()}, ${at(arrived, 0.5).toFixed(0)} rows a second arrive | frames a second, median | slowest round | 99 of 100 frames within |`,
    "|---|---|---|---|",
  ];
  for (const [what, rounds] of figures) {
    const rates = rounds.map(perSecond);
    table.push(`| ${what} | ${at(rates, 0.5).toFixed(1)} | ${Math.min(...rates).toFixed(1)} | ${at(rounds.flat(), 0.99).toFixed(1)} ms |`);
  }
  console.log(`\n${table.join("\n")}\n`);
  await empty.close();
  await close();
});

it("sorts and filters 10,000 devices", async () => {
  const figures = new Map<string, number[]>();
  const measure = async (page: Page, what: string, selector: string) => {
    // What is loaded and drawn after the first page is not part of the next one.
    const more = page.waitForResponse((response) => response.url().includes("after="));
    figures.set(what, [...(figures.get(what) ?? []), await click(page, selector)]);
    await more;
    await page.evaluate(() => new Promise((resolve) => requestIdleCallback(resolve)));
  };
  for (const arriving of [false, true]) {
    const when = arriving ? ", rows arrive" : "";
    const stop = arriving ? await rowsArrive() : null;
    for (let round = 0; round < CLICK_ROUNDS; round += 1) {
      // A page of its own, so that nothing comes from its cache.
      const { page, close } = await list();
      await measure(page, `another order of all${when}`, "main table thead th[aria-sort] a");
      await page.getByLabel("Text").fill(`node 0${round}`);
      await measure(page, `a filter that leaves 1,000${when}`, "main form[role='search'] button[type='submit']");
      await measure(page, `another order of those${when}`, "main table thead th[aria-sort] a");
      await close();
    }
    await stop?.();
  }
  const table = [`| from the click to the painted list, ${CLICK_ROUNDS} rounds, ${load()} | median | slowest |`, "|---|---|---|"];
  for (const [what, times] of figures) {
    table.push(`| ${what} | ${at(times, 0.5).toFixed(0)} ms | ${Math.max(...times).toFixed(0)} ms |`);
  }
  console.log(`\n${table.join("\n")}\n`);
});
