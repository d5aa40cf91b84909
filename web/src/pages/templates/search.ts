/** What of the list of submissions and templates is kept in its address. */
import type { SubmissionKind, SubmissionStatus } from "@/api/submissions";

/** Where a submission can stand, in the order of its life. */
export const STATUSES = ["waiting", "accepted", "returned", "withdrawn"] as const satisfies readonly SubmissionStatus[];

/** What can be submitted. */
export const KINDS = ["template", "type"] as const satisfies readonly SubmissionKind[];

/** Search parameters; what is absent does not filter. */
export interface TemplatesFilters {
  /** Stands in the title, the id of a template or the author. */
  q?: string;
  kind?: SubmissionKind;
  status?: SubmissionStatus;
  /** Only what oneself submitted. */
  own?: true;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): TemplatesFilters {
  const kept: TemplatesFilters = {};
  const { q, own } = search;
  // The router reads digits alone as a number, and true as a boolean.
  if ((typeof q === "string" && q !== "") || typeof q === "number" || typeof q === "boolean") kept.q = String(q);
  const kind = KINDS.find((known) => known === search["kind"]);
  if (kind !== undefined) kept.kind = kind;
  const status = STATUSES.find((known) => known === search["status"]);
  if (status !== undefined) kept.status = status;
  if (own === true || own === "true") kept.own = true;
  return kept;
}

/** Whether a text is in one of some others; nothing is in all. */
export function matches(q: string | undefined, ...texts: readonly (string | null)[]): boolean {
  if (q === undefined) return true;
  const wanted = q.trim().toLowerCase();
  return texts.some((text) => text?.toLowerCase().includes(wanted) === true);
}
