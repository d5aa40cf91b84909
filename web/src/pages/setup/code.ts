/** The one-time set-up code travels in the fragment of the printed address, which browsers never send to a server. */

/** The code in a fragment such as `#code=ABCD-EFGH`, or an empty text. */
export function codeInFragment(fragment: string): string {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("code")?.trim() ?? "";
}
