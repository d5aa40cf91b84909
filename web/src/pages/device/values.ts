/** The newest values of a device as rows of a table, with the names and units of its type. */
import type { DeviceType } from "@/api/queries";
import { unitSign } from "@/pages/devices/units";

/** One value. */
export interface LastValue {
  /** The column. */
  field: string;
  /** What people call it. */
  name: string;
  value: string | number | boolean;
  unit: string;
}

/** Values that belong together. */
export interface LastSeries {
  /** The tags that tell it from others of the device, without `device`. */
  tags: [string, string][];
  /** When the newest of them was measured. */
  time: Date | null;
  values: LastValue[];
}

function timeOf(value: unknown): Date | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** A series as the server gives it; `tags` are the names of the table's tags. The fields of the type come first, in its order. */
export function seriesOf(row: Readonly<Record<string, unknown>>, type: DeviceType | undefined, tags: ReadonlySet<string>): LastSeries {
  const fields = type?.fields ?? [];
  const rank = (column: string) => {
    const place = fields.findIndex(({ name }) => name === column);
    return place === -1 ? fields.length : place;
  };
  const columns = Object.keys(row).filter((column) => column !== "time");
  const values = columns
    .filter((column) => !tags.has(column))
    .sort((one, other) => rank(one) - rank(other))
    .map((column): LastValue => {
      const field = fields.find(({ name }) => name === column);
      const value = row[column];
      const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
      return {
        field: column,
        name: field?.display_name === undefined || field.display_name === "" ? column : field.display_name,
        value: isPlain ? value : JSON.stringify(value),
        unit: unitSign(field?.unit),
      };
    });
  const others = columns.filter((column) => tags.has(column) && column !== "device");
  return { tags: others.map((tag) => [tag, String(row[tag])]), time: timeOf(row["time"]), values };
}
