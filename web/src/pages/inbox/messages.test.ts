import { expect, it } from "vitest";
import { beginning, keyed, SHOWN_CHARACTERS, SHOWN_LINES } from "./messages";

it("shows short messages whole, and the beginning of long ones", () => {
  expect(beginning("climate,device=a v=1\n")).toEqual({ text: "climate,device=a v=1", isCut: false });
  expect(beginning("x".repeat(SHOWN_CHARACTERS))).toEqual({ text: "x".repeat(SHOWN_CHARACTERS), isCut: false });
  expect(beginning("x".repeat(SHOWN_CHARACTERS + 1))).toEqual({ text: "x".repeat(SHOWN_CHARACTERS), isCut: true });
  const lines = "a\n".repeat(SHOWN_LINES);
  expect(beginning(lines)).toEqual({ text: lines.trimEnd(), isCut: false });
  expect(beginning(`${lines}b`)).toEqual({ text: lines.trimEnd(), isCut: true });
});

it("cuts between characters", () => {
  expect(beginning("🌡".repeat(SHOWN_CHARACTERS + 1)).text).toBe("🌡".repeat(SHOWN_CHARACTERS));
});

it("knows a message again when another one comes", () => {
  const message = (received_at: string, body: string) => ({ received_at, database: "main", format: "json", body });
  const before = [message("2", "b"), message("1", "a2"), message("1", "a1")];
  const after = [message("3", "c"), ...before];
  expect(keyed(after).slice(1)).toEqual(keyed(before));
  expect(new Set(keyed(after).map(({ key }) => key)).size).toBe(4);
});
