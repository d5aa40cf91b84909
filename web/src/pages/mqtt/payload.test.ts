import { expect, it } from "vitest";
import { hexOf, indentedJson, numberOf, previewOf } from "./payload";

it("shows the beginning of a text in one line", () => {
  expect(previewOf({ bytes: 9, text: ' {\n "a": 1}', base64: null })).toBe('{ "a": 1}');
  expect(previewOf({ bytes: 500, text: "x".repeat(500), base64: null })).toHaveLength(120);
  expect(previewOf({ bytes: 0, text: "", base64: null })).toBeNull();
  expect(previewOf({ bytes: 1, text: null, base64: "/w==" })).toBeNull();
});

it.each([
  ["21.5", 21.5],
  [" -3 ", -3],
  ["1e3", 1000],
  [".5", 0.5],
  ["", null],
  ["0x10", null],
  ["Infinity", null],
  ["12 V", null],
  ["{}", null],
  [null, null],
])("takes %s for the number %s", (text, number) => {
  expect(numberOf({ text })).toBe(number);
});

it("lays JSON out without changing what it says", () => {
  const text = '{"id":12345678901234567890,"a" : [1, 2.50,{ }, [ ]],"s":"a, {b}: \\"c\\"","n":null}';
  const laid = indentedJson(text) ?? "";
  expect(laid.split("\n")).toEqual([
    "{",
    '  "id": 12345678901234567890,',
    '  "a": [',
    "    1,",
    "    2.50,",
    "    {},",
    "    []",
    "  ],",
    '  "s": "a, {b}: \\"c\\"",',
    '  "n": null',
    "}",
  ]);
  expect(JSON.parse(laid)).toEqual(JSON.parse(text));
  for (const other of ["21.5", '"text"', '{"a":', "[1", ""]) expect(indentedJson(other)).toBeNull();
});

it("shows bytes with their places and characters", () => {
  const bytes = String.fromCharCode(0, 255, ...Array.from({ length: 16 }, (_, index) => 65 + index));
  expect(hexOf(btoa(bytes)).split("\n")).toEqual([
    "0000  00 ff 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e  ..ABCDEFGHIJKLMN",
    `0010  4f 50${" ".repeat(42)}  OP`,
  ]);
  expect(hexOf("")).toBe("");
});
