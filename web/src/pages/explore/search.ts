/** What of the explore is kept in its address. */

/** Search parameters of the explore. */
export type ExploreSearch = Record<string, never>;

/** Keeps only parameters that are understood. */
export function validateSearch(_search: Record<string, unknown>): ExploreSearch {
  return {};
}
