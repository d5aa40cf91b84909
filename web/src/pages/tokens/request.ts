/** What is filled in for a new token, and what is asked of the server for it. */

/** What a token is for. */
export type Purpose = "program" | "devices";

/** Ten years; the server takes any time to come. */
export const MAX_DAYS = 3_650;
const DAY_MS = 86_400_000;

/** Whether a text is a number of days that a token may be good for; empty means without end. */
export function isDays(text: string): boolean {
  const given = text.trim();
  return given === "" || (/^\d{1,4}$/.test(given) && Number(given) >= 1 && Number(given) <= MAX_DAYS);
}

/** When a token ends that is good for so many days, as the request says it; `isDays` holds of the text. */
export function endOf(days: string, now: number): { expires_at?: string } {
  return days.trim() === "" ? {} : { expires_at: new Date(now + Number(days) * DAY_MS).toISOString() };
}
