/** Chromium with a page that must stay free of errors. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import type { Sensorium, Session } from "./sensorium";

/** The two looks and two widths that every page is seen in. */
export const looks = ["light", "dark"] as const;

/** A desktop and a phone. */
export const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** How a page is opened. */
export interface PageOptions {
  session?: Session;
  look?: (typeof looks)[number];
  size?: keyof typeof sizes;
  /** Errors in the console that the test provokes on purpose. */
  expectedErrors?: RegExp;
}

/** A page and what went wrong in it. */
export interface Tab {
  page: Page;
  context: BrowserContext;
  /** Throws when the page logged an error or threw. */
  close: () => Promise<void>;
}

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One browser for the tests of a file; gives what opens a tab in it. */
export function browserOfFile(): (server: Sensorium, options?: PageOptions) => Promise<Tab> {
  let browser: Browser | null = null;
  beforeAll(async () => {
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    browser = await chromium.launch({ executablePath, args: FLAGS });
  });
  afterAll(() => browser?.close());
  return (server, options = {}) => {
    if (browser === null) throw new Error("open tabs inside of a test");
    return open(browser, server, options);
  };
}

async function open(browser: Browser, server: Sensorium, options: PageOptions): Promise<Tab> {
  const size = options.size ?? "desktop";
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: sizes[size],
    hasTouch: size === "phone",
    isMobile: size === "phone",
    colorScheme: options.look ?? "light",
    reducedMotion: "reduce",
  });
  if (options.session) await context.addCookies([{ ...options.session, url: server.origin }]);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && options.expectedErrors?.test(text) !== true) problems.push(text);
  });
  return {
    page,
    context,
    async close() {
      await context.close();
      if (problems.length > 0) throw new Error(`the page logged errors:\n${problems.join("\n")}`);
    },
  };
}
