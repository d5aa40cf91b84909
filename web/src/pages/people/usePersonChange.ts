/** How a dialog changes a person. */
import { useQueryClient } from "@tanstack/react-query";
import { useRouteContext, useRouter } from "@tanstack/react-router";
import { peopleQuery, type Person, sessionQuery } from "@/api/queries";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a person; the list is asked for anew, and the session where it is one's own. */
export function usePersonChange<T = undefined>({
  person,
  ...options
}: ChangeOptions<Person, T> & { person: Person }): VersionedChange<Person, T> {
  const client = useQueryClient();
  const router = useRouter();
  const self = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.id });
  const refresh = async () => {
    await client.invalidateQueries({ queryKey: peopleQuery.queryKey });
    if (person.id !== self) return;
    // One's own role decides what the page offers.
    await client.query({ ...sessionQuery, staleTime: 0 });
    await router.invalidate();
  };
  return useVersionedChange({ ...options, thing: person, refresh });
}
