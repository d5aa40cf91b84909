/** The address that a one-time link is: its secret stands in the fragment, which browsers never send to a server. */

/** Where to follow a link; the page `/invitation` takes the code out. */
export function linkAddress(origin: string, code: string): string {
  return `${origin}/invitation#${new URLSearchParams({ code }).toString()}`;
}
