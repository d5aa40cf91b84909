/** What is different between how a thing was and how it is: one line per fact. */

/** A fact of a thing, and what became of it. */
export interface Change {
  /** Its name; facts within facts are joined with dots. Empty when the state is one value. */
  path: string;
  /** `fact` where nothing is known of before. */
  kind: "fact" | "added" | "removed" | "changed";
  /** As text; null where there is none. */
  before: string | null;
  after: string | null;
}

/** Facts that are not worth a line of their own level are as long as this at most. */
const MAX_CHARACTERS = 400;

function textOf(path: string, value: unknown): string {
  // Points in time; lengths of time are far smaller.
  if (path.endsWith("_ms") && typeof value === "number" && value > 1e11) return new Date(value).toISOString();
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

function facts(state: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof state === "object" && state !== null && !Array.isArray(state)) {
    for (const [name, value] of Object.entries(state)) facts(value, path === "" ? name : `${path}.${name}`, into);
  } else if (path !== "" || (state !== null && state !== undefined)) {
    into.set(path, textOf(path, state));
  }
  return into;
}

/** The facts that differ, in the order in which they stand; what stayed is left out. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, now] = [facts(before), facts(after)];
  const changes: Change[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(path) ?? null, now.get(path) ?? null];
    if (was === is) continue;
    const kind = was !== null && is !== null ? "changed" : is === null ? "removed" : old.size === 0 ? "fact" : "added";
    changes.push({ path, kind, before: was, after: is });
  }
  return changes;
}
