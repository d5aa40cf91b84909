/** The address that a one-time link is: its secret stands in the fragment, which browsers never send to a server. */

/** Where to follow a link; the page takes the code out. */
export function linkAddress(origin: string, page: "invitation" | "claim", code: string): string {
  return `${origin}/${page}#${new URLSearchParams({ code }).toString()}`;
}
