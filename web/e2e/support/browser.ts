/** Chromium with a page that must stay free of errors. */
import { extname, resolve } from "node:path";
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
  /** With the movements that most people see; tests do without. */
  motion?: boolean;
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

/** What draws WebGL without a graphics card. */
const WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

/** One browser for the tests of a file, with WebGL where it is asked for; gives what opens a tab in it. */
export function browserOfFile(has: { webgl?: boolean } = {}): (server: Sensorium, options?: PageOptions) => Promise<Tab> {
  let browser: Browser | null = null;
  beforeAll(async () => {
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    // A page that does not come over the network may not call the local machine, unless this check is off.
    const more = process.env["SENSORIUM_PAGE"] === undefined ? [] : ["--disable-features=LocalNetworkAccessChecks"];
    browser = await chromium.launch({ executablePath, args: [...(has.webgl === true ? [...FLAGS.filter((flag) => flag !== "--disable-gpu"), ...WEBGL] : FLAGS), ...more] });
  });
  afterAll(() => browser?.close());
  return (server, options = {}) => {
    if (browser === null) throw new Error("open tabs inside of a test");
    return open(browser, server, options);
  };
}

const kinds: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/**
 * With SENSORIUM_PAGE naming a folder such as `dist`, the page comes from there instead of from the binary, which
 * holds the page that it was built with: a change of the page alone then needs no new binary. Headers stay the server's.
 * Playwright then stands between page and server, which hides a server that is gone: that test needs the binary's own page.
 */
async function replacePage(context: BrowserContext, server: Sensorium): Promise<void> {
  const folder = process.env["SENSORIUM_PAGE"];
  if (folder === undefined) return;
  const served = /^\/(api\/|ws\/|write|health|ready|ping|metrics)/;
  await context.route(
    (url) => url.origin === server.origin && !served.test(url.pathname),
    async (route) => {
      const { pathname } = new URL(route.request().url());
      const file = extname(pathname) in kinds ? pathname : "/index.html";
      const response = await route.fetch({ url: `${server.origin}/` });
      await route.fulfill({ response, path: resolve(folder, `.${file}`), contentType: kinds[extname(file)] ?? "" });
    },
  );
}

async function open(browser: Browser, server: Sensorium, options: PageOptions): Promise<Tab> {
  const size = options.size ?? "desktop";
  const context = await browser.newContext({
    baseURL: server.origin,
    viewport: sizes[size],
    hasTouch: size === "phone",
    isMobile: size === "phone",
    colorScheme: options.look ?? "light",
    reducedMotion: options.motion === true ? "no-preference" : "reduce",
  });
  if (options.session) await context.addCookies([{ ...options.session, url: server.origin }]);
  await replacePage(context, server);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    const text = `${message.text()} (${message.location().url})`;
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
