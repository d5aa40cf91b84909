/** What the page asks about the inbox: devices that write with a key for devices and are not known. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { components } from "./schema";

/** A device that waits. */
export type Newcomer = components["schemas"]["Newcomer"];
/** The same with what is kept of it. */
export type NewcomerWithMessages = components["schemas"]["NewcomerWithMessages"];
/** A message that is kept. */
export type KeptMessage = components["schemas"]["KeptMessage"];
/** A table that a message writes to. */
export type RecognisedTable = components["schemas"]["RecognisedTable"];
/** What a device of the inbox becomes. */
export type AdoptionRequest = components["schemas"]["AdoptionRequest"];
/** A device that was adopted, and what became of what was kept. */
export type AdoptedDevice = components["schemas"]["AdoptedDevice"];

/** How often the page of the inbox asks again. */
export const INBOX_MS = 5_000;

/** What begins the keys of all that is asked about the inbox. */
export const INBOX_KEY = ["inbox"] as const;

/** The devices in the inbox, the last to send first. */
export const inboxQuery = queryOptions({
  queryKey: [...INBOX_KEY, "list"],
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/inbox", { signal })).newcomers,
});

/** A device in the inbox with what is kept of it. */
export const newcomerQuery = (id: string) =>
  queryOptions({
    queryKey: [...INBOX_KEY, "one", id],
    refetchInterval: INBOX_MS,
    queryFn: async ({ signal }) => body(await api.GET("/api/v1/inbox/{id}", { params: { path: { id } }, signal })),
  });

/** How many wait for somebody to decide. */
export function waitingIn(newcomers: readonly Pick<Newcomer, "ignored" | "adopted_as">[]): number {
  return newcomers.filter(({ ignored, adopted_as }) => !ignored && adopted_as === null).length;
}
