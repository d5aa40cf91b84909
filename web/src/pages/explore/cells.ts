/** How the cells of a result are written: times on this device's clock with only the digits they have, numbers in full. */
import type { ResultColumn } from "@/sql/result";

export type CellFormat = (value: number | string | boolean) => string;

export function cellFormat(column: ResultColumn): CellFormat {
  if (column.kind !== "time") return (value) => (typeof value === "string" ? oneLine(value) : String(value));
  const digits = fractionDigits(column);
  return (value) => (typeof value === "number" ? timestamp(value, digits) : String(value));
}

/** Width of a column in characters, from its name and a sample of its values. */
export function columnWidth(column: ResultColumn, format: CellFormat): number {
  let longest = column.name.length + column.type.length + 2;
  const stride = Math.max(1, Math.floor(column.values.length / 300));
  for (let row = 0; row < column.values.length; row += stride) {
    const value = column.values[row];
    if (value !== null && value !== undefined) longest = Math.max(longest, format(value).length);
  }
  // The cell's padding is about four characters wide.
  return Math.min(64, Math.max(8, longest)) + 4;
}

/** `2026-11-23 07:12:05.120` on this device's clock. */
export function timestamp(time: number, digits: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (digits === 0) return `${day} ${clock}`;
  // Times reach further than milliseconds; a double holds them to about a microsecond.
  const fraction = Math.round((time - Math.floor(time / 1000) * 1000) * 1000);
  return `${day} ${clock}.${String(fraction).padStart(6, "0").slice(0, digits)}`;
}

function fractionDigits({ values }: ResultColumn): 0 | 3 | 6 {
  let digits: 0 | 3 | 6 = 0;
  const length = Math.min(values.length, 2000);
  for (let row = 0; row < length; row += 1) {
    const value = values[row];
    if (typeof value !== "number") continue;
    if (!Number.isInteger(value)) return 6;
    if (value % 1000 !== 0) digits = 3;
  }
  return digits;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ⏎ ");
}
