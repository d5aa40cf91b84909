/** Sends a change of a network with the version that was seen; after a conflict, the next try is for the state that was shown. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { currentOf } from "@/api/current";
import { type Network, networksQuery } from "@/api/queries";

/** A change under way. */
export interface NetworkChange<T> {
  send: (wanted: T) => void;
  isPending: boolean;
  /** What was refused for another reason than a conflict. */
  error: Error | null;
  /** The state that the next try is made for. */
  base: Network;
  /** What was seen and how it is by now, after a change that came too late. */
  conflict: { seen: Network; now: Network } | null;
}

/** Properties of {@link useNetworkChange}. */
export interface NetworkChangeOptions<T> {
  network: Network;
  request: (base: Network, wanted: T) => Promise<unknown>;
  onDone: () => void;
  onConflict?: (seen: Network, now: Network) => void;
}

/** How a dialog changes a network. */
export function useNetworkChange<T = undefined>(options: NetworkChangeOptions<T>): NetworkChange<T> {
  const { network, request, onDone, onConflict } = options;
  const [base, setBase] = useState(network);
  const [conflict, setConflict] = useState<NetworkChange<T>["conflict"]>(null);
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (wanted: T) => request(base, wanted),
    onSuccess: onDone,
    onError: (error) => {
      const now = currentOf(error) as Network | null;
      if (now === null) return;
      onConflict?.(base, now);
      setConflict({ seen: base, now });
      setBase(now);
    },
    // Also after a refusal: what is shown may be old.
    onSettled: () => client.invalidateQueries({ queryKey: networksQuery.queryKey }),
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
