/** What of the inbox is kept in its address: the device whose messages one looks at. */

/** Search parameters. */
export interface InboxSearch {
  /** Its place in the inbox. */
  device?: string;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): InboxSearch {
  const { device } = search;
  return typeof device === "string" && device !== "" ? { device } : {};
}

/** The parameters once a device is no longer there. */
export const without =
  (id: string) =>
  ({ device }: InboxSearch): InboxSearch =>
    device === undefined || device === id ? {} : { device };
