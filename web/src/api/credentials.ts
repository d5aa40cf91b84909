/** What devices have beside API tokens to prove who they are: pre-shared keys and client certificates. For editors. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import { DEVICES_KEY } from "./queries";
import type { components } from "./schema";

/** One key or certificate, without the key. */
export type DeviceCredential = components["schemas"]["DeviceCredential"];

/** What was added, and its key. */
export type CreatedDeviceCredential = components["schemas"]["CreatedDeviceCredential"];

/** The keys and certificates of a device. */
export const deviceCredentialsQuery = (id: string) =>
  queryOptions({
    queryKey: [...DEVICES_KEY, "credentials", id],
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/devices/{id}/credentials", { params: { path: { id } }, signal })).credentials,
  });
