import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { inboxQuery } from "@/api/inbox";
import InboxBadge from "./InboxBadge";

afterEach(cleanup);

it("says how many wait, and nothing when none does", async () => {
  let newcomers: object[] = [
    { id: "a", ignored: false, adopted_as: null },
    { id: "b", ignored: true, adopted_as: null },
  ];
  const fetch = vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.resolve(Response.json({ newcomers })));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const badge = () => (
    <QueryClientProvider client={client}>
      <InboxBadge />
    </QueryClientProvider>
  );
  const first = render(badge());
  await screen.findByText("1 device waits");
  // Another one, such as that of a phone's menu, asks for nothing.
  first.unmount();
  const { container } = render(badge());
  await screen.findByText("1 device waits");
  expect(fetch).toHaveBeenCalledTimes(1);
  newcomers = Array.from({ length: 120 }, (_, index) => ({ id: String(index), ignored: false, adopted_as: null }));
  await client.refetchQueries(inboxQuery);
  await screen.findByText("99+");
  await screen.findByText("120 devices wait");
  newcomers = [];
  await client.refetchQueries(inboxQuery);
  await vi.waitFor(() => {
    expect(container.textContent).toBe("");
  });
});
