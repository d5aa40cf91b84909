/**
 * Numbers as an instrument shows them: about three significant digits, the unit apart, so that it can be dimmed.
 */

export type Unit =
  "number" | "percent" | "bytes" | "bytesPerSecond" | "perSecond" | "celsius" | "milliseconds" | "seconds" | "load";

export interface Reading {
  readonly text: string;
  /** Empty where the number has no unit. */
  readonly unit: string;
}

const formats = new Map<string, Intl.NumberFormat>();

function number(value: number, minimum: number, maximum: number): string {
  const key = `${minimum}/${maximum}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat("en", { minimumFractionDigits: minimum, maximumFractionDigits: maximum });
    formats.set(key, format);
  }
  // -0 is a rounding artefact that nobody wants to read.
  return format.format(value === 0 ? 0 : value);
}

/** Decimals that leave about three significant digits. */
function decimals(value: number): number {
  const size = Math.abs(value);
  if (size >= 100 || size === 0) return 0;
  return size >= 10 ? 1 : 2;
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const DECIMAL = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"] as const;

function scaled(value: number, step: number, units: readonly string[], reference = value): Reading {
  const size = Math.abs(reference);
  const power = size < step ? 0 : Math.min(units.length - 1, Math.floor(Math.log(size) / Math.log(step)));
  const shown = value / step ** power;
  return { text: number(shown, 0, power === 0 ? 0 : decimals(shown)), unit: units[power] ?? "" };
}

/** A value as text and unit; `reference` fixes the unit, so that all ticks of an axis share one. */
export function reading(value: number, unit: Unit, reference = value): Reading {
  if (!Number.isFinite(value)) return { text: "–", unit: "" };
  switch (unit) {
    case "percent":
      return { text: number(value, Math.abs(value) < 10 ? 1 : 0, Math.abs(value) < 10 ? 1 : 0), unit: "%" };
    case "bytes":
      return scaled(value, 1024, BINARY, reference);
    case "bytesPerSecond":
      return scaled(value, 1000, DECIMAL, reference);
    case "perSecond":
      return { text: plain(value), unit: "/s" };
    case "celsius":
      return { text: number(value, 1, 1), unit: "°C" };
    case "milliseconds":
      return { text: plain(value), unit: "ms" };
    case "seconds":
      return { text: plain(value), unit: "s" };
    case "load":
      return { text: number(value, 2, 2), unit: "" };
    case "number":
      return { text: plain(value), unit: "" };
  }
}

/** A number of unknown meaning: never rounded so far that two readings look equal which are not. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.0001 || size >= 1e15)) return value.toExponential(3);
  if (Number.isInteger(value)) return number(value, 0, 0);
  return number(value, 0, size >= 1000 ? 2 : size >= 1 ? 3 : 6);
}

/** A value and its unit in one text, for screen readers and titles. */
export function spoken(value: number, unit: Unit): string {
  const { text, unit: suffix } = reading(value, unit);
  return suffix === "" ? text : `${text} ${suffix}`;
}

/** The unit that a field's name and table suggest, as Telegraf and most firmware name things. */
export function unitOf(table: string, field: string): Unit {
  const name = field.toLowerCase();
  if (name.endsWith("percent") || name.startsWith("usage_") || name === "humidity" || name === "cpu_usage")
    return "percent";
  if (table === "mem" || table === "swap") return /^(in|out)$/.test(name) ? "number" : "bytes";
  if (table === "disk") return name.startsWith("inodes") ? "number" : "bytes";
  if (/(^|_)bytes(_|$)/.test(name) || name === "memory_rss" || name === "memory_vms") return "bytes";
  if (name === "temp" || name.startsWith("temperature") || name.endsWith("_temp") || name.endsWith("celsius"))
    return "celsius";
  if (table === "system" && name.startsWith("load")) return "load";
  if (name === "uptime") return "seconds";
  return "number";
}
