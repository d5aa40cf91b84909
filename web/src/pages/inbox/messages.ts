/** Messages as they are shown: the beginning of long ones, and what tells two apart. */
import type { KeptMessage } from "@/api/inbox";

/** So many characters and lines of a message are shown at first. */
export const SHOWN_CHARACTERS = 600;
/** See {@link SHOWN_CHARACTERS}. */
export const SHOWN_LINES = 12;

/** The beginning of a text, and whether more follows. */
export function beginning(text: string): { text: string; isCut: boolean } {
  const lines = text.trimEnd().split("\n", SHOWN_LINES + 1);
  // By code points: half of a pair is no character.
  const characters = Array.from(lines.slice(0, SHOWN_LINES).join("\n").slice(0, 2 * SHOWN_CHARACTERS));
  const shown = characters.slice(0, SHOWN_CHARACTERS).join("");
  return { text: shown, isCut: shown.length < text.trimEnd().length };
}

/** Messages with a key each, which stays when newer ones come and older ones go. */
export function keyed(messages: readonly KeptMessage[]): { key: string; message: KeptMessage }[] {
  const seen = new Map<string, number>();
  // From the oldest on: those that come are newer.
  const withKeys = messages.toReversed().map((message) => {
    const count = seen.get(message.received_at) ?? 0;
    seen.set(message.received_at, count + 1);
    return { key: `${message.received_at} ${count}`, message };
  });
  return withKeys.toReversed();
}
