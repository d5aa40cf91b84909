import { expect, it } from "vitest";
import { EventReader, eventsOf } from "./events";

it("reads events with and without a name, and leaves comments out", () => {
  const reader = new EventReader();
  expect(reader.read(': hello\n\nevent: missed\ndata: {"count":3}\n\ndata:a\ndata: b\nid: 7\n\nevent: nothing\n\n')).toEqual([
    { name: "missed", data: '{"count":3}' },
    { name: "message", data: "a\nb" },
  ]);
});

it("does not mind where the pieces of a body end", () => {
  const text = "data: 21.5 °C\r\n\r\nevent: missed\r\ndata\r\n\r\ndata: second\r\rdata: third\n\n";
  for (let size = 1; size <= text.length; size += 1) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.read(text.slice(at, at + size)));
    expect(events).toEqual([
      { name: "message", data: "21.5 °C" },
      { name: "missed", data: "" },
      { name: "message", data: "second" },
      { name: "message", data: "third" },
    ]);
  }
});

it("puts characters together that are cut in two, and lets go of the body", async () => {
  const bytes = new TextEncoder().encode("data: °\n\ndata: never whole");
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
    },
    cancel() {
      isCancelled = true;
    },
  });
  for await (const { data } of eventsOf(stream)) {
    expect(data).toBe("°");
    break;
  }
  expect(isCancelled).toBe(true);
});
