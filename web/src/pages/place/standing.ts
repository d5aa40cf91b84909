/** What a device on a plan says: its newest values with names and units, and whether they are still to be believed. */
import type { DeviceOnPlan, DeviceType } from "@/api/queries";
import { type LastValue, seriesOf } from "@/pages/device/values";

/** How a device is doing: it may not write, it never did, or not lately. */
export type Condition = "fresh" | "stale" | "silent" | "disabled";

/** A device that sent nothing for so long is said to be late. */
export const STALE_MS = 10 * 60_000;

const NO_TAGS: ReadonlySet<string> = new Set(["device"]);

/** The values of a type's fields; without such fields, all numbers and switches, since a text may be a tag. Series by series. */
export function valuesOf(device: DeviceOnPlan, type: DeviceType | undefined): LastValue[] {
  const fields = new Set((type?.fields ?? []).map(({ name }) => name));
  return (device.last?.series ?? []).flatMap((row) =>
    seriesOf(row, type, NO_TAGS).values.filter(({ field, value }) =>
      fields.size > 0 ? fields.has(field) : typeof value === "number" || typeof value === "boolean",
    ),
  );
}

/** When a device was last heard of; null if it never was. */
export function heardAt({ last, last_seen_at }: DeviceOnPlan): Date | null {
  const times = (last?.series ?? []).map((row) => seriesOf(row, undefined, NO_TAGS).time?.getTime() ?? Number.NaN);
  if (last_seen_at !== null) times.push(new Date(last_seen_at).getTime());
  const known = times.filter((time) => !Number.isNaN(time));
  return known.length === 0 ? null : new Date(Math.max(...known));
}

/** How it is doing at this time. */
export function conditionOf(device: DeviceOnPlan, now: number): Condition {
  if (!device.enabled) return "disabled";
  const heard = heardAt(device);
  if (heard === null) return "silent";
  return now - heard.getTime() > STALE_MS ? "stale" : "fresh";
}

const formats = new Map<string, Intl.NumberFormat>();

/** A value with its unit, not more exact than a plan has room for. */
export function spoken({ value, unit }: LastValue, language: string): string {
  let format = formats.get(language);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, { maximumSignificantDigits: 5 });
    formats.set(language, format);
  }
  const text = typeof value === "number" ? format.format(value) : String(value);
  return unit === "" ? text : `${text} ${unit}`;
}
