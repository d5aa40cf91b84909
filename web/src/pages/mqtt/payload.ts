/** What a payload is shown as. */
import type { MqttMessage } from "@/api/mqtt";

/** So much of a payload stands beside its topic. */
const PREVIEW_CHARACTERS = 120;
const HEX_COLUMNS = 16;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** What of a message says what was sent. */
export type Payload = Pick<MqttMessage, "bytes" | "text" | "base64">;

/** The beginning of a payload in one line; null where it is no text, or empty. */
export function previewOf({ bytes, text }: Payload): string | null {
  if (text == null || bytes === 0) return null;
  return text.slice(0, PREVIEW_CHARACTERS).replaceAll(/\s+/g, " ").trim();
}

/** The number that a payload is; null if it is none. */
export function numberOf({ text }: Pick<MqttMessage, "text">): number | null {
  const trimmed = text?.trim() ?? "";
  return NUMBER.test(trimmed) ? Number(trimmed) : null;
}

/** A JSON object or list over several lines, with each number as it was written; null for any other text. */
export function indentedJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  // Parsed and written anew, whole numbers of more than 53 bits would be others.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === "{" || token === "[") {
      depth += 1;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      out += line() + token;
    } else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += /^[{[]/.test(token) ? token.replaceAll(/\s/g, "") : token;
  }
  return out;
}

/** Bytes as people look at them: where, what, and as characters where they are some. */
export function hexOf(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_COLUMNS) {
    const row = [...bytes.subarray(at, at + HEX_COLUMNS)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(HEX_COLUMNS * 3 - 1)}  ${text}`);
  }
  return lines.join("\n");
}
