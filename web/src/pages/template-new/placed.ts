/** What the server says is wrong with a template, put where it belongs. */
import { ApiError } from "@/api/client";

/** Something that is wrong. */
export interface Problem {
  place: string;
  line: number | null;
  text: string;
}

/** Problems by their places. */
export interface Placed {
  id?: string;
  title?: string;
  hardware?: string;
  description?: string;
  files: Map<string, Problem[]>;
  variables: Map<string, Problem[]>;
  /** What has no field of its own. */
  rest: Problem[];
}

const FACTS = ["id", "title", "hardware", "description"] as const;
const NAMED = /^(file|variable) ("(?:[^"\\]|\\.)*")(?:, (\w+))?$/;

/** All problems that an answer lists; none when it is about something else. */
export function problemsOf(error: unknown): Problem[] {
  const listed = error instanceof ApiError ? error.details["template_problems"] : undefined;
  if (!Array.isArray(listed)) return [];
  return (listed as unknown[]).flatMap((entry) => {
    if (typeof entry !== "object" || entry === null) return [];
    const { place, line, text } = entry as Record<string, unknown>;
    if (typeof place !== "string" || typeof text !== "string") return [];
    return [{ place, line: typeof line === "number" ? line : null, text }];
  });
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}

/** Puts each where it belongs; those of a thing that is not there stand among the rest. Without names, any variable is there. */
export function placed(problems: readonly Problem[], files: readonly string[], variables: readonly string[] | null): Placed {
  const sorted: Placed = { files: new Map(), variables: new Map(), rest: [] };
  for (const problem of problems) {
    const fact = FACTS.find((name) => name === problem.place);
    const [, what, quoted = '""', part] = NAMED.exec(problem.place) ?? [];
    const name = unquoted(quoted);
    if (fact !== undefined) {
      sorted[fact] ??= upper(problem.text);
    } else if (what !== undefined && (what === "file" ? files : (variables ?? [name])).includes(name)) {
      const of = what === "file" ? sorted.files : sorted.variables;
      // The name and the label are no lines of the file.
      const own = part === undefined ? problem : { ...problem, line: null, text: `${part} ${problem.text}` };
      of.set(name, [...(of.get(name) ?? []), { ...own, text: upper(own.text) }]);
    } else {
      sorted.rest.push(problem);
    }
  }
  return sorted;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
