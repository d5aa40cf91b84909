/**
 * Decodes the binary frames of `/ws/live`: 8 bytes little-endian sequence number, then one Arrow IPC stream with one record
 * batch. The columns are documented beside the server's encoder; here they become plain columns that the rest of the page
 * reads by row number.
 */
import { type Column, tableFromIPC } from "@uwdata/flechette";

/** One tick of points, for all subscriptions of the tab. */
export interface LiveFrame {
  /** The last sequence number that the frame contains: the point to resume from. */
  readonly seq: number;
  readonly length: number;
  readonly subscription: ArrayLike<number>;
  /** Milliseconds since the epoch. */
  readonly time: ArrayLike<number>;
  /** Canonical series keys; see `parseSeriesKey`. */
  readonly series: ArrayLike<string>;
  readonly table: ArrayLike<string>;
  readonly field: ArrayLike<string>;
  /** Numbers, and booleans as 0 and 1; NaN for text. */
  readonly value: Float64Array;
  /** Text values; null for numbers. */
  readonly text: ArrayLike<string | null>;
}

/** A frame that does not have the agreed form: the page and the server are of different versions. */
export class FrameError extends Error {}

const PREFIX_BYTES = 8;

export function decodeFrame(bytes: ArrayBuffer): LiveFrame {
  if (bytes.byteLength < PREFIX_BYTES)
    throw new FrameError(`a frame of ${bytes.byteLength} bytes holds no sequence number`);
  const seq = Number(new DataView(bytes).getBigUint64(0, true));
  const table = tableFromIPC(new Uint8Array(bytes, PREFIX_BYTES));
  const column = (name: string): ArrayLike<unknown> => {
    // The types promise a column for every name; there is none for a name that the frame lacks.
    const found = table.getChild(name) as Column<unknown> | undefined;
    if (found === undefined) throw new FrameError(`the frame has no column "${name}"`);
    return found.toArray();
  };
  const length = table.numRows;
  const numbers = column("value");
  const value = new Float64Array(length);
  for (let row = 0; row < length; row += 1) {
    const number = numbers[row];
    value[row] = typeof number === "number" ? number : NaN;
  }
  return {
    seq,
    length,
    value,
    subscription: column("subscription") as ArrayLike<number>,
    time: column("time") as ArrayLike<number>,
    series: column("series") as ArrayLike<string>,
    table: column("table") as ArrayLike<string>,
    field: column("field") as ArrayLike<string>,
    text: column("text") as ArrayLike<string | null>,
  };
}

/** The row numbers of each subscription in a frame. */
export function rowsBySubscription(frame: LiveFrame): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < frame.length; row += 1) {
    const id = frame.subscription[row] as number;
    const list = rows.get(id);
    if (list === undefined) rows.set(id, [row]);
    else list.push(row);
  }
  return rows;
}
