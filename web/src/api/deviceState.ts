/** What the page asks about the state of a device, and about commands to it. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { DEVICES_KEY } from "./queries";
import type { components } from "./schema";

/** What a device is to be like, what it says that it is, and where that differs. */
export type DeviceState = components["schemas"]["DeviceState"];
/** Something that a device was asked to do. */
export type Command = components["schemas"]["Command"];

/** How often the state is asked for. */
const STATE_MS = 5_000;
/** How often the commands are asked for while an answer may come at any moment, while one may come at all, and otherwise. */
const SOON_MS = 1_000;
const LATER_MS = 5_000;
const IDLE_MS = 15_000;
/** An answer is expected at any moment for so long after a command was sent. */
const FRESH_MS = 120_000;

/** Whether nothing more becomes of a command. */
export function isFinal({ status }: Pick<Command, "status">): boolean {
  return status !== "queued" && status !== "delivered";
}

/** How long until the commands are asked for again. */
export function pollMs(commands: readonly Pick<Command, "status" | "created_at">[] | undefined, now: number): number {
  const open = commands?.filter((command) => !isFinal(command)) ?? [];
  if (open.length === 0) return IDLE_MS;
  return open.some(({ created_at }) => now - Date.parse(created_at) < FRESH_MS) ? SOON_MS : LATER_MS;
}

/** The state of a device. */
export const deviceStateQuery = (id: string) =>
  queryOptions({
    queryKey: [...DEVICES_KEY, "state", id],
    refetchInterval: STATE_MS,
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/devices/{id}/state", { params: { path: { id } }, signal })),
  });

/** The newest commands to a device. */
export const commandsQuery = (id: string) =>
  queryOptions({
    queryKey: [...DEVICES_KEY, "commands", id],
    queryFn: async ({ signal }): Promise<Command[]> =>
      body(await api.GET("/api/v1/devices/{id}/commands", { params: { path: { id } }, signal })).commands,
    refetchInterval: ({ state }) => pollMs(state.data, Date.now()),
  });
