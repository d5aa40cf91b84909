import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { loadStrings } from "@/i18n";
import MqttPage from ".";

const numbers = { connections: 1, sessions: 2, subscriptions: 3, retained: 1, retained_bytes: 2_048, received: 4, sent: 5, refused: 0, dropped: 0, limited: 0 };
const bridge = { name: "cloud", address: "broker.example:8883", is_connected: false, error: "no route to host" };
const listening = {
  ...numbers,
  is_listening: true,
  listeners: [{ address: "0.0.0.0:1883", transport: "tcp" }],
  bridges: [bridge],
};
const client = {
  key: "k",
  client_id: "hall-display",
  device: { id: "d", name: "Display" },
  login: null,
  address: "10.0.0.7:4711",
  transport: "tcp",
  version: "5.0",
  is_connected: true,
  since: "2026-11-28T08:00:00Z",
  keep_alive_seconds: 60,
  session_expiry_seconds: 4_294_967_295,
  expires: null,
  subscriptions: 1,
  queued: 2,
  inflight: 0,
  dropped_qos0: 3,
  dropped_oldest: 1,
  expired_messages: 0,
};
const subscription = { filter: "hall/#", qos: 1, no_local: true, retain_as_published: false, retain_handling: 2, subscription_id: 7 };
const retained = {
  topic: "hall/lamp",
  qos: 1,
  retain: true,
  bytes: 2,
  text: "on",
  base64: null,
  is_cut: false,
  content_type: null,
  expires: null,
  at: null,
  client_id: null,
};

const trace = { id: "t", client: "k", client_id: "hall-display", device: null, is_running: true, packets: 1, gone: 0 };
const times = { since: "2026-11-28T08:00:00Z", until: "2026-11-28T08:05:00Z" };
const packet = {
  number: 1,
  at: "2026-11-28T08:00:01Z",
  client_id: "hall-display",
  is_from_client: false,
  kind: "PUBACK",
  packet_id: 7,
  topic: null,
  qos: null,
  retain: false,
  dup: false,
  reason: 0x87,
  reason_name: "not authorized",
  bytes: 40,
};

let asked: string[] = [];
let traces: object[] = [];

/** Shows the page at an address to somebody of a role. */
function show(search: string, role: "viewer" | "editor", status: object = listening) {
  asked = [];
  traces = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((given) => {
    const request = given as Request;
    const { pathname, search: query } = new URL(request.url);
    asked.push(`${request.method} ${pathname}${query}`);
    if (request.method === "POST" && pathname === "/api/v1/mqtt/traces") {
      traces = [{ ...trace, ...times }];
      return Promise.resolve(Response.json(traces[0], { status: 201 }));
    }
    if (request.method === "DELETE") return Promise.resolve(new Response(null, { status: 204 }));
    const answers: Record<string, object> = {
      "/api/v1/mqtt": status,
      "/api/v1/mqtt/clients": { clients: [client], next: "k" },
      "/api/v1/mqtt/clients/k": { client, subscriptions: [subscription] },
      "/api/v1/mqtt/retained": { messages: [retained], next: null },
      "/api/v1/mqtt/traces": { traces },
      "/api/v1/mqtt/traces/t": { trace: { ...trace, ...times }, packets: [packet], next: 1 },
      "/api/v1/mqtt/publish": { receivers: 2, stored: true },
    };
    if (pathname === "/api/v1/mqtt/messages") return Promise.resolve(new Response(new ReadableStream<Uint8Array>()));
    return Promise.resolve(Response.json(answers[pathname] ?? {}));
  });
  const root = createRootRoute();
  const signedIn = createRoute({
    getParentRoute: () => root,
    id: "signed-in",
    beforeLoad: () => ({ session: { user: { role } } }),
  });
  const mqtt = createRoute({ getParentRoute: () => signedIn, path: "/mqtt", component: MqttPage });
  const router = createRouter({
    routeTree: root.addChildren([signedIn.addChildren([mqtt])]),
    history: createMemoryHistory({ initialEntries: [`/mqtt${search}`] }),
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return router;
}

beforeAll(() => loadStrings("mqtt", "charts"));
beforeEach(() => {
  // Nothing has a size here, and only rows in sight are drawn.
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(28);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
});
afterEach(cleanup);

it("says what to set where the broker does not listen", async () => {
  show("", "viewer", { ...numbers, is_listening: false, listeners: [], bridges: [] });
  await screen.findByRole("heading", { name: "The MQTT broker does not listen" });
  screen.getByText("sensorium serve --mqtt 0.0.0.0:1883");
  expect(screen.queryByRole("tab")).toBeNull();
});

it("shows what is retained in the tree, and leads to a topic by its address", async () => {
  const router = show("?filter=hall%2F%23&topic=hall%2Flamp", "editor");
  const item = await screen.findByRole("treeitem", { name: /^lamp/ });
  screen.getByText(/no route to host/);
  expect(item.getAttribute("aria-selected")).toBe("true");
  expect(asked).toContain("GET /api/v1/mqtt/messages?filter=hall%2F%23");
  within(screen.getByRole("region", { name: "The topic hall/lamp" })).getByText("1 · Retained");
  const form = within(screen.getByRole("region", { name: "Publish" }));
  expect(form.getByLabelText<HTMLInputElement>("Topic").value).toBe("hall/lamp");
  fireEvent.click(form.getByRole("button", { name: "Publish" }));
  await form.findByText("Published to hall/lamp, to 2 clients. Its reading is stored.");
  fireEvent.click(screen.getByRole("tab", { name: "Retained" }));
  await screen.findByRole("table", { name: "Retained messages" });
  expect(router.state.location.search).toEqual({ tab: "retained", filter: "hall/#" });
  // Nobody knows when it was sent, and by whom.
  expect(screen.getAllByRole("columnheader").map(({ textContent }) => textContent)).toEqual(["Topic", "Payload", "Size", "QoS", "Remove"]);
});

it("asks before it ends anything, in front of the client that it is about", async () => {
  const router = show("?tab=clients&client=k", "editor");
  const drawer = await screen.findByRole("dialog", { name: "Client hall-display" });
  await within(drawer).findByText("QoS 1 · not its own messages · nothing retained · number 7");
  within(drawer).getByText("for ever");
  fireEvent.click(within(drawer).getByRole("button", { name: "Disconnect" }));
  await screen.findByRole("dialog", { name: "Disconnect hall-display?" });
  fireEvent.keyDown(document.body, { key: "Escape" });
  await waitFor(() => {
    expect(screen.queryByRole("dialog", { name: "Disconnect hall-display?" })).toBeNull();
  });
  screen.getByRole("dialog", { name: "Client hall-display" });
  fireEvent.click(within(drawer).getByRole("button", { name: "End session" }));
  const question = await screen.findByRole("dialog", { name: "End the session of hall-display?" });
  within(question).getByText(/the 2 messages that wait for it are gone/);
  fireEvent.click(within(question).getByRole("button", { name: "End session" }));
  await waitFor(() => {
    expect(screen.queryByRole("dialog")).toBeNull();
  });
  expect(asked).toContain("DELETE /api/v1/mqtt/clients/k?session=true");
  expect(router.state.location.search).toEqual({ tab: "clients" });
  within(screen.getByRole("table", { name: "Clients and sessions" })).getByRole("link", { name: "Display" });
  expect(screen.getByRole("link", { name: "Next page" }).getAttribute("href")).toBe("/mqtt?tab=clients&after=k");
});

it("has nothing to change for viewers", async () => {
  show("?tab=clients&client=k", "viewer");
  const drawer = await screen.findByRole("dialog", { name: "Client hall-display" });
  await within(drawer).findByText("hall/#");
  expect(within(drawer).queryByRole("button", { name: /Disconnect|End session|Trace/ })).toBeNull();
});

it("traces a client for editors", async () => {
  show("?tab=clients&client=k", "editor");
  const drawer = await screen.findByRole("dialog", { name: "Client hall-display" });
  fireEvent.click(await within(drawer).findByRole("button", { name: "Trace" }));
  const packets = within(await within(drawer).findByRole("table", { name: "Packets, the newest first" }));
  packets.getByText("0x87 not authorized");
  packets.getByText("To the client:");
  within(drawer).getByText(/1 packet so far/);
  within(drawer).getByRole("button", { name: "Stop and remove" });
  expect(asked).toContain("POST /api/v1/mqtt/traces");
});
