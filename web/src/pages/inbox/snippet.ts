/** A ready-to-paste command that sends as a device which is not known. */
import { EXAMPLE_TABLE } from "@/pages/send/snippets";

/** Where to send to, and with what. */
export interface Target {
  /** The address of the page, without a path. */
  origin: string;
  database: string;
  key: string;
}

/** What the device of the example calls itself. */
export const EXAMPLE_DEVICE = "ESP_12AB";

/** The text to paste. */
export function snippet({ origin, database, key }: Target): string {
  return `curl -i "${origin}/write?db=${encodeURIComponent(database)}" \\
  -H "Authorization: Bearer ${key}" \\
  --data-binary "${EXAMPLE_TABLE},device=${EXAMPLE_DEVICE} temperature=21.5,humidity=48"`;
}
