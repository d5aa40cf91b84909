/** What of the map is kept in its address: the part of the world that it shows. */
import { textOf, viewOf } from "@/map/view";

/** Search parameters; without any, the map shows all that there is. */
export interface MapSearch {
  at?: string;
}

/** Keeps only parameters that are understood. */
export function validateSearch(search: Record<string, unknown>): MapSearch {
  const view = viewOf(search["at"]);
  return view === null ? {} : { at: textOf(view) };
}
