/** What the server says about a change that came too late: how the thing is by now. */
import { ApiError } from "./client";

/** The current state of what was to be changed, if the error is a change that came too late; null for any other refusal. */
export function currentOf(error: unknown): object | null {
  if (!(error instanceof ApiError) || error.status !== 409) return null;
  const current = error.details["current"];
  return typeof current === "object" && current !== null ? current : null;
}
