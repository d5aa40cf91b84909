/** Reads the unified diff that the server makes of two versions. */

/** A line of a difference. */
export interface DiffLine {
  kind: "kept" | "added" | "removed";
  /** Its number in each version, from 1; null where it is not there. */
  before: number | null;
  after: number | null;
  text: string;
}

/** A part that differs. */
export interface FileDiff {
  name: string;
  /** Whether the whole of it came or went. */
  kind: "changed" | "added" | "removed";
  /** Stretches of lines; what lies between them is the same. */
  hunks: DiffLine[][];
}

const HUNK = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/;
const MISSING = "/dev/null";

/** The parts in their order. Lines are counted as the head of a stretch says, so that none of them is taken for a head. */
export function parsed(text: string): FileDiff[] {
  const lines = text.split("\n");
  const files: FileDiff[] = [];
  let at = 0;
  while (at < lines.length) {
    const [before, after] = [lines[at] ?? "", lines[at + 1] ?? ""];
    if (!before.startsWith("--- ") || !after.startsWith("+++ ")) {
      at += 1;
      continue;
    }
    at += 2;
    const file = named(before.slice(4), after.slice(4));
    files.push(file);
    for (let head = HUNK.exec(lines[at] ?? ""); head !== null; head = HUNK.exec(lines[at] ?? "")) {
      const [from = 0, removed = 0, to = 0, added = 0] = head.slice(1).map(Number);
      const hunk = stretch(lines, at + 1, { from, removed, to, added });
      file.hunks.push(hunk);
      at += 1 + hunk.length;
    }
  }
  return files;
}

function named(before: string, after: string): FileDiff {
  const kind = before === MISSING ? "added" : after === MISSING ? "removed" : "changed";
  return { name: (kind === "removed" ? before : after).replace(/^(old|new)\//, ""), kind, hunks: [] };
}

interface Head {
  from: number;
  removed: number;
  to: number;
  added: number;
}

function stretch(lines: readonly string[], start: number, { from, removed, to, added }: Head): DiffLine[] {
  const hunk: DiffLine[] = [];
  let [old, now] = [0, 0];
  for (let at = start; (old < removed || now < added) && at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "kept";
    hunk.push({
      kind,
      before: kind === "added" ? null : from + old,
      after: kind === "removed" ? null : to + now,
      text: line.slice(1),
    });
    if (kind !== "added") old += 1;
    if (kind !== "removed") now += 1;
  }
  return hunk;
}
