/** What of a plan is kept in its address: the database that values come from, and the device that one looks at. */

/** Search parameters. */
export interface PlaceSearch {
  db?: string;
  /** The id of a device. */
  device?: string;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): PlaceSearch {
  const { db, device } = search;
  return {
    ...(typeof db === "string" && db !== "" ? { db } : {}),
    ...(typeof device === "string" && device !== "" ? { device } : {}),
  };
}
