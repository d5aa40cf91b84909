/** Frames as the server makes them, for tests. */
import {
  columnFromArray,
  dictionary,
  float64,
  int32,
  tableFromColumns,
  tableToIPC,
  uint32,
  utf8,
} from "@uwdata/flechette";

export interface FixturePoint {
  subscription: number;
  time: number;
  series: string;
  table: string;
  field: string;
  value: number | null;
  text?: string;
}

/** The bytes of one frame. */
export function frameBytes(seq: number, points: readonly FixturePoint[]): ArrayBuffer {
  const words = dictionary(utf8(), int32());
  const column = <K extends keyof FixturePoint>(name: K) => points.map((point) => point[name] ?? null);
  const table = tableFromColumns([
    ["subscription", columnFromArray<number>(column("subscription"), uint32())],
    ["time", columnFromArray<number>(column("time"), float64())],
    ["series", columnFromArray<string>(column("series"), words)],
    ["table", columnFromArray<string>(column("table"), dictionary(utf8(), int32()))],
    ["field", columnFromArray<string>(column("field"), dictionary(utf8(), int32()))],
    ["value", columnFromArray<number>(column("value"), float64())],
    ["text", columnFromArray<string>(column("text"), utf8())],
  ]);
  const arrow = tableToIPC(table, { format: "stream" });
  if (arrow === null) throw new Error("the table was not encoded");
  const bytes = new Uint8Array(8 + arrow.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seq), true);
  bytes.set(arrow, 8);
  return bytes.buffer;
}
