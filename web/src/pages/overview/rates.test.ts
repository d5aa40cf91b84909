import { describe, expect, it } from "vitest";
import { outerInterfaces, wholeDisks } from "./devices";
import { counterRate, sum } from "./rates";
import { validateSearch } from "./search";

describe("counterRate", () => {
  it("is the growth per second", () => {
    const rate = counterRate({ times: [0, 1000, 3000], values: [100, 600, 600] }, 5000);
    expect(Array.from(rate.times)).toEqual([1000, 3000]);
    expect(Array.from(rate.values)).toEqual([500, 0]);
  });
  it("has no value where the counter began anew, nor over a gap, nor where a number misses", () => {
    const times = [0, 1000, 2000, 12_000, 13_000, 14_000];
    const rate = counterRate({ times, values: [100, 5, 10, 500, NaN, 600] }, 5000);
    expect(Array.from(rate.values)).toEqual([NaN, 5, NaN, NaN, NaN]);
  });
  it("of one point is nothing", () => {
    expect(counterRate({ times: [1], values: [1] }, 5000).times).toHaveLength(0);
    expect(counterRate({ times: [], values: [] }, 5000).times).toHaveLength(0);
  });
});

describe("sum", () => {
  it("adds what is there at each time", () => {
    const total = sum([
      { times: [1, 2, 3], values: [1, 2, NaN] },
      { times: [2, 3, 4], values: [10, NaN, NaN] },
    ]);
    expect(Array.from(total.times)).toEqual([1, 2, 3, 4]);
    expect(Array.from(total.values)).toEqual([1, 12, NaN, NaN]);
  });
});

describe("devices", () => {
  it("leaves partitions and stacked devices out of the sum", () => {
    expect(
      wholeDisks(["sda", "sda1", "sda2", "nvme0n1", "nvme0n1p1", "mmcblk0", "mmcblk0p2", "loop0", "dm-0", "md0"]),
    ).toEqual(["mmcblk0", "nvme0n1", "sda"]);
  });
  it("keeps a partition whose disk is not listed, and anything rather than nothing", () => {
    expect(wholeDisks(["vda1"])).toEqual(["vda1"]);
    expect(wholeDisks(["loop0"])).toEqual(["loop0"]);
  });
  it("leaves loopback and containers' interfaces out", () => {
    expect(outerInterfaces(["lo", "eth0", "wlan0", "docker0", "veth12ab", "br-0f3", "all"])).toEqual(["eth0", "wlan0"]);
    expect(outerInterfaces(["lo", "docker0"])).toEqual(["docker0"]);
    expect(outerInterfaces(["lo"])).toEqual(["lo"]);
  });
});

describe("validateSearch", () => {
  it("keeps what it understands and drops defaults and nonsense", () => {
    expect(validateSearch({ range: "15", host: "a", cpu: "cores", from: 5, to: 9, x: 1 })).toEqual({
      range: 15,
      host: "a",
      cpu: "cores",
      from: 5,
      to: 9,
    });
    expect(validateSearch({ range: "7", cpu: "x", from: 9, to: 5, host: {} })).toEqual({});
    expect(validateSearch({ range: 5 })).toEqual({});
  });
});
