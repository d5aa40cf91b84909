/** How a dialog changes a class. */
import { useQueryClient } from "@tanstack/react-query";
import { classesQuery, peopleQuery, type PersonClass } from "@/api/queries";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a class; the lists of classes and of people, who show its name, are asked for anew. */
export function useClassChange<T = undefined>({
  of,
  ...options
}: ChangeOptions<PersonClass, T> & { of: PersonClass }): VersionedChange<PersonClass, T> {
  const client = useQueryClient();
  const refresh = async () => {
    await client.invalidateQueries({ queryKey: classesQuery.queryKey });
    await client.invalidateQueries({ queryKey: peopleQuery.queryKey });
  };
  return useVersionedChange({ ...options, thing: of, refresh });
}
