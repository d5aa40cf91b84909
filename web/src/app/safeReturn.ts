/** Where the sign-in page may lead afterwards. */

/** Only a path of this page: anything else would let a link lead people away after signing in. */
export function safeReturn(value: unknown): string | undefined {
  return typeof value === "string" && /^\/(?![/\\])/.test(value) ? value : undefined;
}
