/** What of the overview is kept in its address. */

/** Search parameters of the overview. */
export type OverviewSearch = Record<string, never>;

/** Keeps only parameters that are understood. */
export function validateSearch(_search: Record<string, unknown>): OverviewSearch {
  return {};
}
