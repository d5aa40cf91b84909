// @vitest-environment node
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { archive } from "./archive";

const files = [
  { name: "src/main.rs", text: "fn main() {}\n" },
  { name: ".cargo/config.toml", text: "# é\n".repeat(200) },
  { name: "empty.txt", text: "" },
];

it("is read by tar, with folders and every byte", async () => {
  const made = archive(files);
  const input = Buffer.from((await made?.arrayBuffer()) ?? new ArrayBuffer(0));
  const tar = (...args: string[]) => execFileSync("tar", args, { input, encoding: "utf8" });
  expect(tar("-tf", "-").trim().split("\n")).toEqual(files.map(({ name }) => name));
  for (const { name, text } of files) expect(tar("-xOf", "-", name)).toBe(text);
});

it("is not made when a name has no room in it", () => {
  expect(archive([{ name: "x".repeat(101), text: "" }])).toBeNull();
});
