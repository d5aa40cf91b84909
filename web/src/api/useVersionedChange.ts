/** Sends a change of a thing with the version that was seen; after a conflict, the next try is for the state that was shown. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { currentOf } from "./current";

/** A change under way. */
export interface VersionedChange<Thing, Wanted> {
  send: (wanted: Wanted) => void;
  isPending: boolean;
  /** What was refused for another reason than a conflict. */
  error: Error | null;
  /** The state that the next try is made for. */
  base: Thing;
  /** What was seen and how it is by now, after a change that came too late. */
  conflict: { seen: Thing; now: Thing } | null;
}

/** What a dialog says of the change that it makes. */
export interface ChangeOptions<Thing, Wanted> {
  request: (base: Thing, wanted: Wanted) => Promise<unknown>;
  onDone: () => void;
  onConflict?: (seen: Thing, now: Thing) => void;
}

/** Properties of {@link useVersionedChange}. */
export interface VersionedChangeOptions<Thing, Wanted> extends ChangeOptions<Thing, Wanted> {
  thing: Thing;
  /** Asks anew for what is shown, which may be old: also after a refusal. */
  refresh: () => Promise<unknown>;
}

/** How a dialog changes a thing that others may change, too. */
export function useVersionedChange<Thing extends object, Wanted>(
  options: VersionedChangeOptions<Thing, Wanted>,
): VersionedChange<Thing, Wanted> {
  const { thing, request, onDone, onConflict, refresh } = options;
  const [base, setBase] = useState(thing);
  const [conflict, setConflict] = useState<VersionedChange<Thing, Wanted>["conflict"]>(null);
  const change = useMutation({
    mutationFn: (wanted: Wanted) => request(base, wanted),
    onSuccess: onDone,
    onError: (error) => {
      const now = currentOf(error) as Thing | null;
      if (now === null) return;
      onConflict?.(base, now);
      setConflict({ seen: base, now });
      setBase(now);
    },
    onSettled: refresh,
    // There may be a password in it.
    gcTime: 0,
  });
  return {
    send: (wanted) => {
      change.mutate(wanted);
    },
    isPending: change.isPending,
    error: currentOf(change.error) === null ? change.error : null,
    base,
    conflict,
  };
}
