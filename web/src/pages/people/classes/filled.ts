/** What the form of a class holds, what it changes, and what to make of a change that came too late. */
import type { PersonClass } from "@/api/queries";
import type { components } from "@/api/schema";

/** The quotas, in the order in which they are shown. */
export const QUOTAS = ["devices", "points_per_second", "retention_days", "storage_bytes"] as const;

/** One of them. */
export type Quota = (typeof QUOTAS)[number];

/** What is filled in; an empty quota is no bound. Storage is in GiB. */
export type Filled = Record<"name" | Quota, string>;

const GIB = 2 ** 30;

/** Bytes as GiB, with as many decimals as it takes to mean the same bytes. */
function gibOf(bytes: number): string {
  let decimals = 0;
  while (decimals < 10 && bytesOf((bytes / GIB).toFixed(decimals)) !== bytes) decimals += 1;
  return (bytes / GIB).toFixed(decimals);
}

function bytesOf(gib: string): number {
  return Math.round(Number(gib) * GIB);
}

/** What the form of a class begins with; that of a new one without a class. */
export function filledFor(of?: PersonClass): Filled {
  const text = (quota: Quota) => of?.quotas[quota]?.toString() ?? "";
  const storage = of?.quotas.storage_bytes;
  return {
    name: of?.name ?? "",
    devices: text("devices"),
    points_per_second: text("points_per_second"),
    retention_days: text("retention_days"),
    storage_bytes: storage === undefined || storage === null ? "" : gibOf(storage),
  };
}

/** The number that is filled in, or null for no bound; undefined if it is no whole number. */
export function numberIn(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  return /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

/** The bytes of the GiB that are filled in, or null for no bound; undefined if it is no number of at least a byte. */
export function bytesIn(text: string): number | null | undefined {
  if (text.trim() === "") return null;
  const bytes = /^\d{1,7}(\.\d{1,10})?$/.test(text.trim()) ? bytesOf(text) : 0;
  return bytes > 0 ? bytes : undefined;
}

/** All quotas of a new class. */
export function quotasIn(filled: Filled): components["schemas"]["PersonQuotas"] {
  return {
    devices: numberIn(filled.devices) ?? null,
    points_per_second: numberIn(filled.points_per_second) ?? null,
    retention_days: numberIn(filled.retention_days) ?? null,
    storage_bytes: bytesIn(filled.storage_bytes) ?? null,
  };
}

/** Only what the form would change, so that it takes nothing back that somebody else did. */
export function changes(of: PersonClass, filled: Filled): Omit<components["schemas"]["PersonClassChange"], "version"> {
  const wanted = quotasIn(filled);
  const quotas = Object.fromEntries(
    QUOTAS.filter((quota) => wanted[quota] !== of.quotas[quota]).map((quota) => [quota, wanted[quota]]),
  );
  return {
    ...(filled.name.trim() === of.name ? {} : { name: filled.name.trim() }),
    ...(Object.keys(quotas).length === 0 ? {} : { quotas }),
  };
}

/** What was filled in, on top of how the class is by now: a field that nobody touched here follows. */
export function merged(seen: PersonClass, filled: Filled, now: PersonClass): Filled {
  const [before, after] = [filledFor(seen), filledFor(now)];
  const field = (name: keyof Filled) => (filled[name].trim() === before[name] ? after[name] : filled[name]);
  return {
    name: field("name"),
    devices: field("devices"),
    points_per_second: field("points_per_second"),
    retention_days: field("retention_days"),
    storage_bytes: field("storage_bytes"),
  };
}

/** What is different from what was seen. */
export function differences(seen: PersonClass, now: PersonClass): { fact: keyof Filled; was: string; is: string }[] {
  const [before, after] = [filledFor(seen), filledFor(now)];
  return (["name", ...QUOTAS] as const)
    .map((fact) => ({ fact, was: before[fact], is: after[fact] }))
    .filter(({ was, is }) => was !== is);
}
