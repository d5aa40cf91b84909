import { describe, expect, it } from "vitest";
import { decodeFrame } from "@/live/frame";
import { frameBytes } from "@/live/fixtures";
import { Cards } from "./cards";
import { historySql } from "./history";
import { OverviewModel } from "./model";
import { cpuCores, cpuModes, disksByFullness, diskTraffic, memory, newest } from "./vitals";

const SPAN = { from: 0, to: 100_000 };
const NOW = 1000;

function live(
  model: OverviewModel,
  points: [table: string, series: string, field: string, time: number, value: number][],
) {
  const frame = decodeFrame(
    frameBytes(
      1,
      points.map(([table, series, field, time, value]) => ({ subscription: 1, table, series, field, time, value })),
    ),
  );
  model.addFrame(
    frame,
    points.map((_, row) => row),
    NOW,
  );
}

describe("OverviewModel", () => {
  it("draws modes of the total, and cores apart from it", () => {
    const model = new OverviewModel();
    live(model, [
      ["cpu", "cpu=cpu-total,host=a", "usage_user", 1000, 10],
      ["cpu", "cpu=cpu-total,host=a", "usage_irq", 1000, 1],
      ["cpu", "cpu=cpu-total,host=a", "usage_softirq", 1000, 2],
      ["cpu", "cpu=cpu10,host=a", "usage_idle", 1000, 40],
      ["cpu", "cpu=cpu2,host=a", "usage_idle", 1000, 90],
      ["cpu", "cpu=cpu-total,host=b", "usage_user", 1000, 99],
    ]);
    const modes = cpuModes(model, "a", SPAN);
    expect(modes.times).toEqual([1000]);
    expect(modes.columns.map((column) => column[0])).toEqual([10, undefined, undefined, 3, undefined, undefined]);
    expect(cpuCores(model, "a", SPAN)).toEqual({
      names: ["cpu2", "cpu10"],
      data: { times: [1000], columns: [[10], [60]] },
    });
    expect(model.hosts()).toEqual(["a", "b"]);
  });

  it("turns counters of disks into rates and adds up whole disks only", () => {
    const model = new OverviewModel();
    for (const [time, bytes] of [
      [1000, 0],
      [2000, 500],
    ] as const) {
      live(model, [
        ["diskio", "host=a,name=sda", "read_bytes", time, bytes],
        ["diskio", "host=a,name=sda1", "read_bytes", time, bytes],
        ["diskio", "host=a,name=sdb", "read_bytes", time, bytes * 2],
      ]);
    }
    const all = diskTraffic(model, "a", SPAN, undefined);
    expect(all).toMatchObject({ devices: ["sda", "sda1", "sdb"], counted: ["sda", "sdb"] });
    expect(all.data.columns[0]).toEqual([1500]);
    expect(diskTraffic(model, "a", SPAN, "sda1").data.columns[0]).toEqual([500]);
    expect(diskTraffic(model, "a", SPAN, "gone").counted).toEqual(["sda", "sdb"]);
  });

  it("joins history and live points, in whichever order they come", () => {
    const model = new OverviewModel();
    live(model, [["mem", "host=a", "used", 3000, 30]]);
    const column = (name: string, kind: "time" | "number" | "text", values: (number | string)[]) => ({
      name,
      kind,
      type: kind,
      values,
    });
    model.addHistory("mem", ["host"], ["used"], {
      rows: 3,
      bytes: 0,
      columns: [
        column("time", "time", [1000, 2000, 3000]),
        column("host", "text", ["a", "a", "a"]),
        column("used", "number", [10, 20, 29]),
      ],
    });
    const { times, columns } = memory(model, "a", SPAN);
    expect(times).toEqual([1000, 2000, 3000]);
    expect(columns[0]).toEqual([10, 20, 30]);
  });

  it("lists disks from the fullest, and drops those that stopped reporting", () => {
    const model = new OverviewModel();
    live(model, [
      ["disk", "host=a,path=/", "used_percent", 70_000, 40],
      ["disk", "host=a,path=/", "free", 70_000, 6],
      ["disk", "host=a,path=/data", "used_percent", 70_000, 91],
      ["disk", "host=a,path=/usb", "used_percent", 1000, 99],
    ]);
    expect(disksByFullness(model, "a").map((disk) => [disk.path, disk.value])).toEqual([
      ["/data", 91],
      ["/", 40],
    ]);
    expect(newest(model, "a", "disk", "free").value).toBe(6);
    expect(newest(model, "a", "disk", "nothing").value).toBeNaN();
  });

  it("takes the server's clock from the samples", () => {
    const model = new OverviewModel();
    expect(model.present(500)).toBe(500);
    live(model, [["mem", "host=a", "used", 9000, 1]]);
    expect(model.present(NOW)).toBe(9000);
    expect(model.present(NOW + 700)).toBe(9700);
  });

  it("ends the time axis at the newest sample, and goes on by itself when samples stop", () => {
    const model = new OverviewModel();
    live(model, [["mem", "host=a", "used", 9000, 1]]);
    expect(model.axisEnd(NOW + 700)).toBe(9000);
    expect(model.axisEnd(NOW + 2500)).toBe(11_500);
  });
});

describe("Cards", () => {
  it("shows the newest series, own tables first, and fields in the order of the table", () => {
    const model = new OverviewModel();
    model.addLast(
      [
        {
          table: "room",
          series_total: 7,
          series: [
            { tags: { place: "b" }, fields: { co2: { time_ms: 5, value: 800 }, name: { time_ms: 5, value: "Lab" } } },
          ],
        },
        { table: "mem", series_total: 1, series: [{ tags: {}, fields: { used: { time_ms: 9, value: 1 } } }] },
      ],
      NOW,
    );
    const types = new Map([
      [
        "room",
        new Map([
          ["name", "string"],
          ["co2", "float"],
        ]),
      ],
    ]);
    const cards = new Cards(model);
    const [room, mem] = cards.list(types);
    expect(room).toMatchObject({
      table: "room",
      vital: false,
      seriesTotal: 7,
      tags: { place: "b" },
      newest: 5,
      more: 0,
    });
    expect(room?.fields).toMatchObject([
      { name: "name", text: "Lab" },
      { name: "co2", number: 800, text: null },
    ]);
    expect(mem).toMatchObject({ table: "mem", vital: true });
    live(model, [["room", "place=a", "co2", 6, 900]]);
    expect(cards.list(types)[0]).toMatchObject({
      tags: { place: "a" },
      newest: 6,
      fields: [{ name: "co2", number: 900 }],
    });
  });

  it("makes a card anew only when its table or what is known of its fields changed", () => {
    const model = new OverviewModel();
    const cards = new Cards(model);
    const types = new Map<string, Map<string, string>>();
    live(model, [
      ["door", "id=1", "angle", 1, 10],
      ["room", "place=a", "co2", 1, 800],
    ]);
    const [door, room] = cards.list(types);
    live(model, [["room", "place=a", "co2", 2, 900]]);
    const [doorAfter, roomAfter] = cards.list(types);
    expect(doorAfter).toBe(door);
    expect(roomAfter).not.toBe(room);
    expect(roomAfter?.newest).toBe(2);
    expect(cards.list(new Map([["door", new Map([["angle", "float"]])]]))[0]).not.toBe(door);
  });
});

describe("historySql", () => {
  const schema = {
    name: "cpu",
    columns: [
      { name: "time", kind: "time", type: "timestamp" },
      { name: "cpu", kind: "tag", type: "string" },
      { name: "host", kind: "tag", type: "string" },
      { name: "usage_user", kind: "field", type: "float" },
      { name: "other", kind: "field", type: "float" },
    ],
  };
  const wish = { database: "main", host: "o'brien", minutes: 15, cores: false };
  it("asks for the columns that exist and are drawn", () => {
    expect(historySql(schema, wish)?.sql).toBe(
      `SELECT "time", "cpu", "host", "usage_user" FROM "cpu" WHERE "time" >= now() - INTERVAL '15 minutes' AND "host" = 'o''brien' AND "cpu" = 'cpu-total' ORDER BY "time"`,
    );
  });
  it("asks nothing of a table that has none of them", () => {
    expect(historySql({ name: "room", columns: schema.columns }, wish)).toBeNull();
  });
});
