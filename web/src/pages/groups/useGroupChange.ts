/** How a dialog changes a group. */
import { useQueryClient } from "@tanstack/react-query";
import { type Group, GROUPS_KEY } from "@/api/groups";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a group; everything that is shown of groups is asked for anew. */
export function useGroupChange<T = undefined>({
  group,
  ...options
}: ChangeOptions<Group, T> & { group: Group }): VersionedChange<Group, T> {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: GROUPS_KEY });
  return useVersionedChange({ ...options, thing: group, refresh });
}
