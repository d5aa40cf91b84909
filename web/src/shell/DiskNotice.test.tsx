import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { readyQuery } from "@/api/queries";
import { DiskNotice } from "./DiskNotice";

const low = { name: "disk", status: "degraded", message: "…", free_bytes: 2 ** 20, needed_bytes: 2.5 * 2 ** 30 };
const enough = { name: "disk", status: "pass" };

afterEach(cleanup);

it("says how much room the disk must have, and goes away when it has", async () => {
  let disk: object = low;
  const checks = () => [{ name: "store", status: "pass" }, disk];
  const fetch = vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(() => Promise.resolve(Response.json({ status: "degraded", checks: checks() })));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <DiskNotice />
    </QueryClientProvider>,
  );
  await screen.findByText("Disk almost full: writes are refused until 2.5 GiB are free.");
  disk = enough;
  await client.refetchQueries(readyQuery);
  await waitFor(() => {
    expect(screen.getByRole("status").textContent).toBe("");
  });
  // A server that does not answer is told of elsewhere.
  fetch.mockImplementation(() => Promise.resolve(Response.json({ error: "no" }, { status: 500 })));
  await client.refetchQueries(readyQuery);
  expect(screen.getByRole("status").textContent).toBe("");
});

it("is asked again by itself", () => {
  expect(readyQuery.refetchInterval).toBeLessThanOrEqual(30_000);
});
