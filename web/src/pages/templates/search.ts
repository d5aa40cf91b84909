/** What of the list of templates is kept in its address. */
import type { SubmissionStatus } from "@/api/submissions";

/** Where a submission can stand, in the order of its life. */
export const STATUSES = ["waiting", "accepted", "returned", "withdrawn"] as const satisfies readonly SubmissionStatus[];

/** Search parameters; what is absent does not filter. */
export interface TemplatesFilters {
  /** Stands in the title, the id or the author of a template. */
  q?: string;
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
