import {
  bool,
  columnFromArray,
  dictionary,
  float64,
  int64,
  list,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  timestamp,
  TimeUnit,
  utf8,
} from "@uwdata/flechette";
import { describe, expect, it } from "vitest";
import { literal, quoted } from "./query";
import { numbersOf, resultOf } from "./result";

describe("resultOf", () => {
  const table = tableFromColumns([
    ["time", columnFromArray([1_700_000_000_000, null], timestamp(TimeUnit.NANOSECOND, "UTC"))],
    ["host", columnFromArray(["a", null], dictionary(utf8()))],
    ["v", columnFromArray([1.5, null], float64())],
    ["n", columnFromArray([7, 8], int64())],
    ["on", columnFromArray([true, false], bool())],
    ["l", columnFromArray([[1, 2], null], list(float64()))],
  ]);
  const bytes = tableToIPC(table, { format: "stream" });
  const result = resultOf(tableFromIPC(bytes ?? new Uint8Array()), 42);

  it("tells what each column holds", () => {
    expect(result).toMatchObject({ rows: 2, bytes: 42 });
    expect(result.columns.map(({ name, kind, type }) => [name, kind, type])).toEqual([
      ["time", "time", "timestamp"],
      ["host", "text", "string"],
      ["v", "number", "float"],
      ["n", "number", "integer"],
      ["on", "boolean", "boolean"],
      ["l", "text", "other"],
    ]);
  });

  it("has plain values", () => {
    expect(result.columns.map((column) => Array.from(column.values))).toEqual([
      [1_700_000_000_000, null],
      ["a", null],
      [1.5, null],
      [7, 8],
      [true, false],
      ["[1,2]", null],
    ]);
  });

  it("makes numbers of what is drawn", () => {
    expect(result.columns.map((column) => Array.from(numbersOf(column)))).toMatchObject({
      0: [1_700_000_000_000, NaN],
      2: [1.5, NaN],
      4: [1, 0],
    });
  });
});

describe("quoting", () => {
  it("survives quotes", () => {
    expect(quoted('a"b')).toBe('"a""b"');
    expect(literal("o'clock")).toBe("'o''clock'");
  });
});
