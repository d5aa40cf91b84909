/** What of the tree of places is kept in its address: the words that it is filtered by. */

/** Search parameters. */
export interface PlacesSearch {
  q?: string;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): PlacesSearch {
  const { q } = search;
  // The router reads digits alone as a number.
  const text = typeof q === "string" || typeof q === "number" || typeof q === "boolean" ? String(q) : "";
  return text === "" ? {} : { q: text };
}
