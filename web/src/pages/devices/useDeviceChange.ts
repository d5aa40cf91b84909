/** Sends a change of a device with the version that was seen; after a conflict, the next try is for the state that was shown. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Device, DEVICES_KEY } from "@/api/queries";
import { currentOf } from "./wanted";

/** A change under way. */
export interface DeviceChange<T> {
  send: (wanted: T) => void;
  isPending: boolean;
  /** What was refused for another reason than a conflict. */
  error: Error | null;
  /** The state that the next try is made for. */
  base: Device;
  /** What was seen and how it is by now, after a change that came too late. */
  conflict: { seen: Device; now: Device } | null;
}

/** Properties of {@link useDeviceChange}. */
export interface DeviceChangeOptions<T> {
  device: Device;
  request: (base: Device, wanted: T) => Promise<unknown>;
  onDone: () => void;
  onConflict?: (seen: Device, now: Device) => void;
}

/** How a dialog changes a device. */
export function useDeviceChange<T = undefined>(options: DeviceChangeOptions<T>): DeviceChange<T> {
  const { device, request, onDone, onConflict } = options;
  const [base, setBase] = useState(device);
  const [conflict, setConflict] = useState<DeviceChange<T>["conflict"]>(null);
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (wanted: T) => request(base, wanted),
    onSuccess: onDone,
    onError: (error) => {
      const now = currentOf(error);
      if (now === null) return;
      onConflict?.(base, now);
      setConflict({ seen: base, now });
      setBase(now);
    },
    // Also after a refusal: what is shown may be old.
    onSettled: () => client.invalidateQueries({ queryKey: DEVICES_KEY }),
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
