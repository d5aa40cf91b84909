/** Sends a change of a person with the version that was seen; after a conflict, the next try is for the state that was shown. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouteContext, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { currentOf } from "@/api/current";
import { peopleQuery, type Person, sessionQuery } from "@/api/queries";

/** A change under way. */
export interface PersonChange<T> {
  send: (wanted: T) => void;
  isPending: boolean;
  /** What was refused for another reason than a conflict. */
  error: Error | null;
  /** The state that the next try is made for. */
  base: Person;
  /** What was seen and how it is by now, after a change that came too late. */
  conflict: { seen: Person; now: Person } | null;
}

/** Properties of {@link usePersonChange}. */
export interface PersonChangeOptions<T> {
  person: Person;
  request: (base: Person, wanted: T) => Promise<unknown>;
  onDone: () => void;
  onConflict?: (seen: Person, now: Person) => void;
}

/** How a dialog changes a person. */
export function usePersonChange<T = undefined>(options: PersonChangeOptions<T>): PersonChange<T> {
  const { person, request, onDone, onConflict } = options;
  const [base, setBase] = useState(person);
  const [conflict, setConflict] = useState<PersonChange<T>["conflict"]>(null);
  const client = useQueryClient();
  const router = useRouter();
  const self = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.id });
  const change = useMutation({
    mutationFn: (wanted: T) => request(base, wanted),
    onSuccess: onDone,
    onError: (error) => {
      const now = currentOf(error) as Person | null;
      if (now === null) return;
      onConflict?.(base, now);
      setConflict({ seen: base, now });
      setBase(now);
    },
    // Also after a refusal: what is shown may be old.
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: peopleQuery.queryKey });
      if (person.id !== self) return;
      // One's own role decides what the page offers.
      await client.query({ ...sessionQuery, staleTime: 0 });
      await router.invalidate();
    },
  });
  const late = currentOf(change.error) !== null;
  return {
    send: (wanted) => {
      change.mutate(wanted);
    },
    isPending: change.isPending,
    error: late ? null : change.error,
    base,
    conflict,
  };
}
