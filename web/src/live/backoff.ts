/** The shortest and the longest pause before a new attempt to connect. */
export const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 30_000;

/**
 * The pause before attempt number `failures` (1 after the first failure): doubles up to 30 s, and a random half of it is
 * jitter, so that the tabs of a restarted server do not return all at once.
 */
export function backoffMs(failures: number, random: () => number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 16));
  return Math.max(BACKOFF_MIN_MS, Math.round(full * (0.5 + random() / 2)));
}
