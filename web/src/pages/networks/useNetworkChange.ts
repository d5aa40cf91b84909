/** How a dialog changes a network. */
import { useQueryClient } from "@tanstack/react-query";
import { type Network, networksQuery } from "@/api/queries";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a network; the list is asked for anew. */
export function useNetworkChange<T = undefined>({
  network,
  ...options
}: ChangeOptions<Network, T> & { network: Network }): VersionedChange<Network, T> {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: networksQuery.queryKey });
  return useVersionedChange({ ...options, thing: network, refresh });
}
