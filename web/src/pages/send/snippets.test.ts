import { expect, it } from "vitest";
import { isWay, snippet, ways } from "./snippets";

const target = { origin: "https://sensors.example:8086", database: "my data", token: "sen_abc" };

it.each(ways)("fills the address, the database and the token into %s", (way) => {
  const text = snippet(way, target);
  expect(text).toContain("https://sensors.example:8086");
  expect(text).toContain("sen_abc");
  expect(text).toContain(way === "telegraf" ? 'bucket = "my data"' : "db=my%20data");
});

it("knows its ways", () => {
  expect(isWay("telegraf")).toBe(true);
  expect(isWay("fax")).toBe(false);
  expect(isWay(undefined)).toBe(false);
});
