/** How a dialog changes a place. */
import { useQueryClient } from "@tanstack/react-query";
import { type Place, PLACES_KEY } from "@/api/queries";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a place; everything that is shown of places is asked for anew. */
export function usePlaceChange<T = undefined>({
  place,
  ...options
}: ChangeOptions<Place, T> & { place: Place }): VersionedChange<Place, T> {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: PLACES_KEY });
  return useVersionedChange({ ...options, thing: place, refresh });
}
