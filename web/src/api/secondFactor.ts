/** What the server says about the second factor when it refuses. */
import { ApiError } from "./client";

/** Whether the password was right, and a code, or another one, is to be sent with it. */
export function needsSecondFactor(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401 && error.details["second_factor_needed"] === true;
}
