/** What of the page is kept in its address: the filters, and where the page of the list begins. */

/** Search parameters; what is absent does not filter. */
export interface AuditSearch {
  /** Who did it: an id, or a login or the name of a token as it was then. */
  actor?: string;
  /** What was done. */
  action?: string;
  /** The kind of thing that it was done to. */
  target?: string;
  /** Stands somewhere in the entry. */
  q?: string;
  /** Not before this time, RFC 3339. */
  from?: string;
  /** Before this time, RFC 3339. */
  to?: string;
  /** The cursor of a page that is not the first. */
  after?: string;
}

/** The filters alone. */
export type AuditFilters = Omit<AuditSearch, "after">;

const TEXTS = ["actor", "action", "target", "q", "after"] as const;
const TIMES = ["from", "to"] as const;

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): AuditSearch {
  const kept: AuditSearch = {};
  for (const name of TEXTS) {
    const value = search[name];
    // The router reads digits alone as a number.
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text === "string" && text !== "") kept[name] = text;
  }
  for (const name of TIMES) {
    const value = search[name];
    if (typeof value === "string" && !Number.isNaN(Date.parse(value))) kept[name] = value;
  }
  return kept;
}

/** The filters without the place in the list. */
export function filtersOf(search: AuditSearch): AuditFilters {
  const filters = { ...search };
  delete filters.after;
  return filters;
}

/** Where everything that the filters let through is downloaded. */
export function csvAddress(filters: AuditFilters): string {
  const parameters = new URLSearchParams({ ...filters, format: "csv" });
  return `/api/v1/audit?${parameters.toString()}`;
}

const two = (value: number) => String(value).padStart(2, "0");

/** A time as an input of date and time wants it: of this place, to the second. */
export function toLocal(time: string | undefined): string {
  if (time === undefined) return "";
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "";
  const day = `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** What such an input holds as RFC 3339, or undefined while it holds no whole time. */
export function fromLocal(text: string): string | undefined {
  if (!/^\d{4,}-\d\d-\d\dT/.test(text)) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
