/** JSON that people write and read. */

/** The object that a text holds, or why it is none: what the reader of JSON says, null for something that is no object. */
export function objectIn(text: string): { object: Record<string, unknown> } | { problem: string | null } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { object: value as Record<string, unknown> };
    return { problem: null };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "" };
  }
}

/** A value on as few lines as can be read. */
export function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : JSON.stringify(value ?? null);
}

/** What is not longer than this stands on one line of a table. */
const BRIEF_CHARACTERS = 60;

/** The same for a cell of a table. */
export function brief(value: unknown): string {
  const line = JSON.stringify(value ?? null);
  return line.length <= BRIEF_CHARACTERS ? line : shown(value);
}
