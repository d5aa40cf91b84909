/**
 * Server-sent events out of a body that is read by `fetch`, as the WHATWG's HTML standard lays them out (section 9.2.6); names
 * and data alone. The browser's own `EventSource` does not tell why it was refused.
 */

/** One event. */
export interface ServerEvent {
  /** `message` where none was given. */
  name: string;
  data: string;
}

/** Makes events of text that comes in pieces. */
export class EventReader {
  /** The beginning of a line whose end has not come. */
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** The events that this piece completes. */
  read(piece: string): ServerEvent[] {
    const text = this.#rest + piece;
    // The line feed of a carriage return may be in the next piece.
    const isOpen = text.endsWith("\r");
    const lines = (isOpen ? text.slice(0, -1) : text).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? "") + (isOpen ? "\r" : "");
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | null {
    if (line !== "") {
      const colon = line.indexOf(":");
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.#name = value;
      else if (field === "data") this.#data.push(value);
      return null;
    }
    const event = this.#data.length === 0 ? null : { name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") };
    this.#name = "";
    this.#data = [];
    return event;
  }
}

/** The events of a body until it ends; rejects when it breaks off. */
export async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* events.read(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
