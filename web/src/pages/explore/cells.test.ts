import { Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { ResultColumn } from "@/sql/result";
import { cellFormat, columnWidth, timestamp } from "./cells";
import { wordAt } from "./problemMark";

const times = (values: (number | null)[]): ResultColumn => ({ name: "time", kind: "time", type: "timestamp", values });
const at = new Date(2026, 10, 23, 7, 12, 5, 120).getTime();

describe("cells", () => {
  it("write times with the digits that the column has", () => {
    expect(cellFormat(times([at - 120]))(at - 120)).toBe("2026-11-23 07:12:05");
    expect(cellFormat(times([null, at]))(at)).toBe("2026-11-23 07:12:05.120");
    expect(timestamp(at + 0.5, 6)).toBe("2026-11-23 07:12:05.120500");
  });
  it("write numbers in full", () => {
    const numbers: ResultColumn = { name: "v", kind: "number", type: "float", values: [0.1] };
    expect(cellFormat(numbers)(1234567.891)).toBe("1234567.891");
  });
  it("are as wide as what they hold, within bounds", () => {
    const text = (value: string): ResultColumn => ({ name: "v", kind: "text", type: "string", values: [value] });
    expect(columnWidth(text("x".repeat(30)), String)).toBe(34);
    expect(columnWidth(text("x".repeat(3000)), String)).toBe(68);
  });
});

describe("wordAt", () => {
  const doc = Text.of(["SELECT *", "FROM nowhere x"]);
  it("is the word at the place", () => {
    expect(wordAt(doc, 2, 6)).toEqual([14, 21]);
    expect(wordAt(doc, 1, 8)).toEqual([7, 8]);
  });
  it("stays inside the text whatever the server says", () => {
    expect(wordAt(doc, 99, 99)).toEqual([22, 23]);
    expect(wordAt(doc, 0, 0)).toEqual([0, 6]);
    expect(wordAt(Text.of([""]), 1, 1)).toBeNull();
  });
});
