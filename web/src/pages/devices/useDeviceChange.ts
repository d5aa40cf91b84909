/** How a dialog changes a device. */
import { useQueryClient } from "@tanstack/react-query";
import { type Device, DEVICES_KEY } from "@/api/queries";
import { type ChangeOptions, useVersionedChange, type VersionedChange } from "@/api/useVersionedChange";

/** Changes a device; everything that is shown of devices is asked for anew. */
export function useDeviceChange<T = undefined>({
  device,
  ...options
}: ChangeOptions<Device, T> & { device: Device }): VersionedChange<Device, T> {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: DEVICES_KEY });
  return useVersionedChange({ ...options, thing: device, refresh });
}
