/** Moves devices on plans: at once on the screen, and soon after on the server. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, body } from "@/api/client";
import { type Device, type DeviceOnPlan, DEVICES_KEY, PLACES_KEY } from "@/api/queries";
import type { Point } from "./view";

/** Arrow keys come many at a time; the last one counts. */
const REST_MS = 500;

type Order = { id: string; position: Device["position"] };

/** Where devices are on their way to, and how they get there. */
export interface Positions {
  /** The devices where they are seen by now. */
  seen: (devices: readonly DeviceOnPlan[]) => DeviceOnPlan[];
  move: (id: string, to: Point, isDone: boolean) => void;
  /** Puts a device there, from wherever it is; nowhere for null. */
  put: (id: string, position: Device["position"], onDone: () => void) => void;
  isPending: boolean;
  error: Error | null;
}

/** For the plan of a place. */
export function usePositions(place: string): Positions {
  const client = useQueryClient();
  const [moved, setMoved] = useState<ReadonlyMap<string, Point>>(new Map());
  const waiting = useRef(new Map<string, { timer: ReturnType<typeof setTimeout>; send: () => void }>());
  const put = useMutation({
    // One after the other: each is made for the version that the one before left.
    scope: { id: "positions" },
    mutationFn: async ({ id, position }: Order) => {
      // Only the position is changed, so that nothing of another change is lost by asking for the version now.
      const { version } = body(await api.GET("/api/v1/devices/{id}", { params: { path: { id }, query: {} } }));
      await api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body: { version, position } });
    },
    onSettled: async (_result, _error, { id, position }) => {
      void client.invalidateQueries({ queryKey: DEVICES_KEY });
      await client.invalidateQueries({ queryKey: PLACES_KEY });
      // Unless it was moved again meanwhile.
      setMoved((now) => {
        const point = now.get(id);
        if (point === undefined || (position !== null && (point.x !== position.x || point.y !== position.y))) return now;
        return new Map([...now].filter(([other]) => other !== id));
      });
    },
  });
  useEffect(() => {
    const left = waiting.current;
    return () => {
      // What was moved last is kept, also when one leaves at once.
      for (const { timer, send } of left.values()) {
        clearTimeout(timer);
        send();
      }
      left.clear();
    };
  }, []);
  const move: Positions["move"] = (id, to, isDone) => {
    setMoved((now) => new Map([...now, [id, to]]));
    clearTimeout(waiting.current.get(id)?.timer);
    waiting.current.delete(id);
    if (!isDone) return;
    const send = () => {
      waiting.current.delete(id);
      put.mutate({ id, position: { place, ...to } });
    };
    waiting.current.set(id, { timer: setTimeout(send, REST_MS), send });
  };
  return {
    seen: (devices) => devices.map((device) => ({ ...device, ...moved.get(device.id) })),
    move,
    put: (id, position, onDone) => {
      clearTimeout(waiting.current.get(id)?.timer);
      waiting.current.delete(id);
      put.mutate({ id, position }, { onSuccess: onDone });
    },
    isPending: put.isPending,
    error: put.error,
  };
}
