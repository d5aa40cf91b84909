/** What the page asks about the MQTT broker: its numbers, clients, retained messages, and messages as they come. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { paths } from "./schema";

/** What a GET of a path answers. */
type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

/** What the broker does for the organisation. */
export type MqttStatus = Answer<"/api/v1/mqtt">;
/** An address at which it listens. */
export type MqttListener = MqttStatus["listeners"][number];
/** A client, or the session that it left. */
export type MqttClient = Answer<"/api/v1/mqtt/clients">["clients"][number];
/** What a client subscribes to. */
export type MqttSubscription = Answer<"/api/v1/mqtt/clients/{key}">["subscriptions"][number];
/** A message with the beginning of its payload. */
export type MqttMessage = Answer<"/api/v1/mqtt/retained">["messages"][number];

/** A trace: packets of a client that are written down for a while. */
export type MqttTrace = Answer<"/api/v1/mqtt/traces">["traces"][number];
/** A packet of a trace. */
export type MqttPacket = Answer<"/api/v1/mqtt/traces/{id}">["packets"][number];

/** How often the packets of a trace that goes on are asked for. */
const TRACE_MS = 1_000;
/** How often what is shown is asked for again. */
const MQTT_MS = 5_000;
/** How many clients or retained messages are on a page. */
const PAGE = 50;
/** How many retained messages are asked for at a time where all are wanted. */
const MANY = 1_000;

/** What begins the keys of all that is asked about the broker. */
export const MQTT_KEY = ["mqtt"] as const;

/** The broker's numbers. */
export const mqttQuery = queryOptions({
  queryKey: [...MQTT_KEY, "status"],
  refetchInterval: MQTT_MS,
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/mqtt", { signal })),
});

/** Which clients, and after which one the page begins. */
export interface ClientsQuestion {
  search?: string;
  is_connected?: boolean;
  after?: string;
}

/** A page of clients. */
export const mqttClientsQuery = (question: ClientsQuestion) =>
  queryOptions({
    queryKey: [...MQTT_KEY, "clients", question],
    refetchInterval: MQTT_MS,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/mqtt/clients", { params: { query: { ...question, limit: PAGE } }, signal })),
  });

/** A client with what it subscribes to. */
export const mqttClientQuery = (key: string) =>
  queryOptions({
    queryKey: [...MQTT_KEY, "client", key],
    refetchInterval: MQTT_MS,
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/mqtt/clients/{key}", { params: { path: { key } }, signal })),
  });

/** The traces that go on or were over lately. */
export const mqttTracesQuery = queryOptions({
  queryKey: [...MQTT_KEY, "traces"],
  refetchInterval: MQTT_MS,
  queryFn: async ({ signal }) => body(await api.GET("/api/v1/mqtt/traces", { signal })),
});

/** A trace with its last packets, which come while it goes on. */
export const mqttTraceQuery = (id: string, packets: number) =>
  queryOptions<Answer<"/api/v1/mqtt/traces/{id}">>({
    queryKey: [...MQTT_KEY, "trace", id],
    refetchInterval: ({ state }) => (state.data?.trace.is_running === false ? false : TRACE_MS),
    queryFn: async ({ signal }) => {
      const ask = async (after: number, limit: number) =>
        body(await api.GET("/api/v1/mqtt/traces/{id}", { params: { path: { id }, query: { after, limit } }, signal }));
      const { trace } = await ask(Number.MAX_SAFE_INTEGER, 1);
      return ask(Math.max(0, trace.packets - packets), MANY);
    },
  });

/** Which retained messages, and after which topic the page begins. */
export interface RetainedQuestion {
  filter: string;
  after?: string;
}

/** A page of retained messages, by topic. */
export const mqttRetainedQuery = (question: RetainedQuestion) =>
  queryOptions({
    queryKey: [...MQTT_KEY, "retained", question],
    refetchInterval: MQTT_MS,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      body(await api.GET("/api/v1/mqtt/retained", { params: { query: { ...question, limit: PAGE } }, signal })),
  });

/** The retained messages that a filter lets through, page by page. */
export async function* retainedMessages(filter: string, signal: AbortSignal): AsyncGenerator<readonly MqttMessage[]> {
  let after: string | null = null;
  do {
    const query: RetainedQuestion & { limit: number } = { filter, limit: MANY, ...(after === null ? {} : { after }) };
    const page: Answer<"/api/v1/mqtt/retained"> = body(await api.GET("/api/v1/mqtt/retained", { params: { query }, signal }));
    yield page.messages;
    after = page.next ?? null;
  } while (after !== null);
}

/** The messages that a filter lets through as they come, as server-sent events. */
export async function messageStream(filter: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const answer = await api.GET("/api/v1/mqtt/messages", { params: { query: { filter } }, parseAs: "stream", signal });
  return body({ data: answer.data ?? undefined });
}
