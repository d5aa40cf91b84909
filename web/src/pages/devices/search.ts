/** What of the list of devices is kept in its address: the filters and the order. */

/** What devices are sorted by. */
export const SORTS = ["name", "type", "last_seen", "created"] as const;

/** One of them. */
export type Sort = (typeof SORTS)[number];

/** Search parameters; what is absent does not filter, and the order is that of names. */
export interface DevicesFilters {
  /** Stands in the name, the attributes or the tags. */
  q?: string;
  /** The id of a type. */
  type?: string;
  enabled?: boolean;
  sort?: Sort;
  order?: "asc" | "desc";
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): DevicesFilters {
  const kept: DevicesFilters = {};
  // The router reads digits alone as a number, and true as a boolean.
  const text = (name: string) => {
    const value = search[name];
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
  };
  if (text("q") !== "") kept.q = text("q");
  if (ID.test(text("type"))) kept.type = text("type");
  if (text("enabled") === "true" || text("enabled") === "false") kept.enabled = text("enabled") === "true";
  const sort = SORTS.find((known) => known === search["sort"]);
  if (sort !== undefined && sort !== "name") kept.sort = sort;
  if (search["order"] === "desc") kept.order = "desc";
  return kept;
}

/** Whether some devices may be left out. */
export function isFiltered({ q, type, enabled }: DevicesFilters): boolean {
  return q !== undefined || type !== undefined || enabled !== undefined;
}

/** The same filters in the order that a click on the head of a column asks for: the other way round if it was that column. */
export function sortedBy(filters: DevicesFilters, sort: Sort): DevicesFilters {
  const { sort: old = "name", order = "asc" } = filters;
  // Whoever asks for the time wants to see the latest.
  const first = sort === "last_seen" || sort === "created" ? "desc" : "asc";
  return validateSearch({ ...filters, sort, order: old === sort ? (order === "asc" ? "desc" : "asc") : first });
}

/** Where everything that the filters let through is downloaded. */
export function csvAddress(filters: DevicesFilters): string {
  const parameters = new URLSearchParams({ format: "csv" });
  for (const [name, value] of Object.entries(filters)) parameters.set(name, String(value));
  return `/api/v1/devices?${parameters.toString()}`;
}
