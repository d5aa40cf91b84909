import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { FindDevice } from "./FindDevice";

afterEach(cleanup);

const words = { label: "Device", hint: "Its name", list: "Devices", none: "There is none.", noneFits: "None fits.", more: String };

it("goes on asking while the first devices are such that may not be chosen", async () => {
  const pages = [
    { devices: [{ id: "1", name: "lamp" }], next: "1" },
    { devices: [{ id: "2", name: "door" }], next: null },
  ];
  const asked: (string | null)[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((request) => {
    const after = new URL((request as Request).url).searchParams.get("after");
    asked.push(after);
    return Promise.resolve(Response.json(pages[after === null ? 0 : 1]));
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const find = (isFree: boolean) => (
    <MantineProvider>
      <QueryClientProvider client={client}>
        <FindDevice
          {...words}
          fits={({ id }) => isFree && id !== "1"}
          isChosen={({ id }) => id === "2"}
          onChoose={() => undefined}
        />
      </QueryClientProvider>
    </MantineProvider>
  );
  const { rerender } = render(find(true));
  const found = await screen.findByRole("button", { name: "door" });
  expect(found.getAttribute("aria-pressed")).toBe("true");
  expect(screen.queryByRole("button", { name: "lamp" })).toBeNull();
  expect(asked).toEqual([null, "1"]);
  // All of them were asked for: then there is none.
  rerender(find(false));
  await screen.findByText("There is none.");
  expect(asked).toEqual([null, "1"]);
});
