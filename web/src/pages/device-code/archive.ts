/**
 * Files as one archive, so that a project keeps its folders: POSIX ustar without compression (IEEE Std 1003.1, pax).
 *
 * Limit: a name has at most 100 bytes.
 */

/** A file for a device. */
export interface DeviceFile {
  /** With folders parted by `/`. */
  name: string;
  text: string;
}

const BLOCK = 512;
/** Bytes of a name in a header. */
const NAME_BYTES = 100;
const encoder = new TextEncoder();

function header(name: Uint8Array, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => {
    block.set(encoder.encode(text), at);
  };
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  block.set(name, 0);
  put(100, octal(0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(0, 11));
  // The checksum counts its own field as spaces.
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\u000000");
  put(148, `${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** The archive, or null when a name is too long for one. */
export function archive(files: readonly DeviceFile[]): Blob | null {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const { name, text } of files) {
    const encoded = encoder.encode(name);
    if (encoded.length > NAME_BYTES) return null;
    const body = encoder.encode(text);
    const padded = new Uint8Array(Math.ceil(body.length / BLOCK) * BLOCK);
    padded.set(body);
    parts.push(new Uint8Array(header(encoded, body.length)), padded);
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: "application/x-tar" });
}
