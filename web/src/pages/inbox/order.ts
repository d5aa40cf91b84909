/** The order of the inbox. */
import type { Newcomer } from "@/api/inbox";

/** Who came last comes first. Not who sent last: rows must not move away under a click. */
export function newestFirst<T extends Pick<Newcomer, "first_seen_at" | "id">>(newcomers: readonly T[]): T[] {
  return newcomers.toSorted(
    (a, b) => Date.parse(b.first_seen_at) - Date.parse(a.first_seen_at) || (a.id < b.id ? 1 : -1),
  );
}
