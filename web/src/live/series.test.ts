import { describe, expect, it } from "vitest";
import { parseSeriesKey, seriesKey } from "./series";

describe("series keys", () => {
  it.each([
    [{}, ""],
    [{ host: "a", cpu: "cpu0" }, "cpu=cpu0,host=a"],
    [{ path: "/a,b=c\\d" }, "path=/a\\,b\\=c\\\\d"],
    [{ "odd,name": "" }, "odd\\,name="],
  ])("%j is %s and back", (tags, key) => {
    expect(seriesKey(tags)).toBe(key);
    expect({ ...parseSeriesKey(key) }).toEqual(tags);
  });
});
