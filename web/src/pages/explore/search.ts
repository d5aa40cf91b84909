/** What of the explore page is kept in its address. */

/** Search parameters of the explore page; what is absent has its default. */
export interface ExploreSearch {
  /** The database asked; the first one by default. */
  db?: string;
  /** The statement in the editor. */
  q?: string;
  /** How the result is shown: as a table by default. */
  view?: "chart";
  /** The column on the time axis; the first that holds times by default. */
  x?: string;
  /** The columns drawn; all numbers by default. */
  y?: string[];
  /** The column whose values make series of their own. */
  split?: string;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): ExploreSearch {
  const y = search["y"];
  const columns = Array.isArray(y) ? y.filter((name) => typeof name === "string") : [];
  return {
    ...text(search, "db"),
    ...text(search, "q"),
    ...(search["view"] === "chart" ? { view: "chart" as const } : {}),
    ...text(search, "x"),
    ...(columns.length > 0 ? { y: columns } : {}),
    ...text(search, "split"),
  };
}

function text<K extends string>(search: Record<string, unknown>, key: K): Partial<Record<K, string>> {
  const value = search[key];
  if (typeof value !== "string" && typeof value !== "number") return {};
  return { [key]: String(value) } as Partial<Record<K, string>>;
}
