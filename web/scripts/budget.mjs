// Compares the built page with its budgets (gzip, level 9) and fails when one is exceeded.
// Reads dist/.vite/manifest.json, so `npm run build` comes first. Fonts count as they are: woff2 is compressed.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const KB = 1024;
const SHELL_KB = 290;
const ROUTE_KB = 120;
/** The part of a page that draws a map, with MapLibre, its worker and the countries as they are seen at first. */
const MAP_KB = 480;
const MAP_PART = "src/map/WorldMap.tsx";
/** Fetched only once somebody looks closely. */
const CLOSER = /\/countries-50m-/;
const CLOSER_KB = 260;
const FIRST_PAGE_KB = 350;
const ENTRY = "index.html";
const PAGES = /^src\/pages\/([^/]+)\/index\.tsx$/;
/** What every signed-in page loads beside its own chunk. */
const WITH_EVERY_PAGE = ["src/shell/ConnectionIndicator.tsx"];

const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, "utf8"));

function weight(file) {
  const bytes = readFileSync(dist + file);
  return file.endsWith(".woff2") ? bytes.length : gzipSync(bytes, { level: 9 }).length;
}

/** Files that are fetched for a chunk: itself, what it imports, their styles and fonts. */
function closure(names, files = new Set(), seen = new Set()) {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const chunk = manifest[name];
    if (!chunk) throw new Error(`dist has no ${name}; run npm run build`);
    for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file);
    closure(chunk.imports ?? [], files, seen);
  }
  return files;
}

const total = (files) => [...files].reduce((sum, file) => sum + weight(file), 0);
const without = (files, known) => new Set([...files].filter((file) => !known.has(file)));
const strings = (page) => {
  const name = `src/i18n/locales/en/${page === "reference" ? "api" : page}.json`;
  return manifest[name] ? [name] : [];
};

const shell = closure([ENTRY]);
shell.add("index.html");
const rows = [["shell", total(shell), SHELL_KB]];
for (const name of Object.keys(manifest).sort()) {
  const page = PAGES.exec(name)?.[1];
  if (!page) continue;
  const own = without(closure([name, ...strings(page), ...WITH_EVERY_PAGE]), shell);
  rows.push([`/${page}`, total(own), ROUTE_KB]);
  // A part that a page fetches after it is drawn is held to the same budget by itself; the page's sum is not.
  for (const part of manifest[name].dynamicImports ?? []) {
    const more = without(closure([part]), new Set([...shell, ...own]));
    const closer = new Set([...more].filter((file) => CLOSER.test(file)));
    const budget = part === MAP_PART ? MAP_KB : ROUTE_KB;
    rows.push([`/${page}, later: ${part.split("/").at(-1)}`, total(without(more, closer)), budget]);
    if (closer.size > 0) rows.push([`/${page}, when one looks closely`, total(closer), CLOSER_KB]);
  }
  if (page === "overview") rows.push(["shell and /overview", total(shell) + total(own), FIRST_PAGE_KB]);
}

let over = 0;
for (const [name, bytes, budget] of rows) {
  const fits = bytes <= budget * KB;
  if (!fits) over += 1;
  console.log(`${fits ? "ok  " : "OVER"}  ${name.padEnd(30)} ${(bytes / KB).toFixed(1).padStart(7)} of ${budget} KB`);
}
if (over > 0) {
  console.error(`${over} over budget; the sizes in dist/assets show what grew.`);
  process.exit(1);
}
