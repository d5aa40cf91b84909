import { QueryClient } from "@tanstack/react-query";
import { afterEach, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { devicesQuery } from "@/api/queries";
import { comesSoon } from "./comesSoon";

const page = { devices: [], next: null };

function asked(answer: () => Promise<typeof page>) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const query = { ...devicesQuery({}), queryFn: vi.fn(answer) };
  return { client, query };
}

afterEach(() => {
  vi.useRealTimers();
});

it("waits for an answer that comes at once", async () => {
  const { client, query } = asked(() => Promise.resolve(page));
  await comesSoon(client, query);
  expect(client.getQueryData(query.queryKey)?.pages).toEqual([page]);
});

it("leaves a refusal to the page", async () => {
  const { client, query } = asked(() => Promise.reject(new ApiError("no", 403, "denied")));
  await comesSoon(client, query);
  expect(client.getQueryState(query.queryKey)?.status).toBe("error");
});

it("does not wait for an answer that takes longer, which comes all the same", async () => {
  vi.useFakeTimers();
  let give: (answer: typeof page) => void = () => undefined;
  const { client, query } = asked(() => new Promise((resolve) => { give = resolve; }));
  const waited = comesSoon(client, query);
  await vi.advanceTimersByTimeAsync(1_000);
  await waited;
  expect(client.getQueryData(query.queryKey)).toBeUndefined();
  give(page);
  await vi.advanceTimersByTimeAsync(0);
  expect(client.getQueryData(query.queryKey)?.pages).toEqual([page]);
});

it("does not wait where something is known already, but asks anew", async () => {
  // With a clock that stands still, waiting would never end.
  vi.useFakeTimers();
  const { client, query } = asked(() => new Promise(() => undefined));
  client.setQueryData(query.queryKey, { pages: [page], pageParams: [null] });
  await comesSoon(client, query);
  expect(query.queryFn).toHaveBeenCalledOnce();
});
