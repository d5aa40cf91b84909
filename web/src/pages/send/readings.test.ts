import { describe, expect, it } from "vitest";
import type { LiveFrame } from "@/live";
import { backgroundOf, KEPT, NOTHING, shown, withFrame } from "./readings";

function frame(rows: { table?: string; series?: string; field: string; value?: number; text?: string; time?: number }[], seq = 1): LiveFrame {
  return {
    seq,
    length: rows.length,
    subscription: rows.map(() => 1),
    time: rows.map(({ time }) => time ?? 1_000),
    series: rows.map(({ series }) => series ?? "place=kitchen"),
    table: rows.map(({ table }) => table ?? "room"),
    field: rows.map(({ field }) => field),
    value: Float64Array.from(rows, ({ value }) => value ?? Number.NaN),
    text: rows.map(({ text }) => text ?? null),
  };
}

const nobody: ReadonlySet<string> = new Set();

describe("arrivals", () => {
  it("joins the fields of one series and time into one reading", () => {
    const after = withFrame(NOTHING, frame([{ field: "temperature", value: 21.5 }, { field: "state", text: "open" }]), [0, 1], nobody);
    expect(after.count).toBe(1);
    expect(after.newest[0]).toMatchObject({
      table: "room",
      tags: { place: "kitchen" },
      values: [
        { field: "temperature", value: "21.5" },
        { field: "state", value: "open" },
      ],
    });
  });

  it("takes only the rows of its subscription", () => {
    const after = withFrame(NOTHING, frame([{ field: "a", value: 1 }, { field: "b", value: 2 }]), [1], nobody);
    expect(after.newest[0]?.values).toEqual([{ field: "b", value: "2" }]);
  });

  it("leaves out what was arriving already", () => {
    const background = backgroundOf(
      {
        now_ms: 60_000,
        tables: [
          {
            table: "cpu",
            series: [
              { tags: { host: "here" }, fields: { usage_user: { time_ms: 59_000 } } },
              { tags: { host: "stopped" }, fields: { usage_user: { time_ms: 1_000 } } },
            ],
          },
          { table: "room", series: [{ tags: { place: "kitchen" }, fields: { temperature: { time_ms: 59_000 } } }] },
        ],
      },
      15_000,
    );
    const rows = frame([
      { table: "cpu", series: "cpu=cpu9,host=here", field: "usage_user", value: 1 },
      { table: "cpu", series: "host=stopped", field: "usage_user", value: 2 },
      { table: "room", field: "temperature", value: 3 },
    ]);
    const after = withFrame(NOTHING, rows, [0, 1, 2], background);
    expect(after.newest.map(({ values }) => values[0]?.value)).toEqual(["3", "2"]);
  });

  it("stays the same object when nothing is new", () => {
    const rows = frame([{ table: "cpu", series: "host=here", field: "usage_user", value: 1 }]);
    expect(withFrame(NOTHING, rows, [0], new Set(["cpu\u0000here"]))).toBe(NOTHING);
  });

  it("counts all and keeps the newest", () => {
    let arrivals = NOTHING;
    for (let seq = 1; seq <= KEPT + 5; seq += 1) {
      arrivals = withFrame(arrivals, frame([{ field: "n", value: seq }], seq), [0], nobody);
    }
    expect(arrivals.count).toBe(KEPT + 5);
    expect(arrivals.newest).toHaveLength(KEPT);
    expect(arrivals.newest[0]?.values[0]?.value).toBe(String(KEPT + 5));
  });
});

it("shows numbers as they were sent", () => {
  expect(shown(0.1 + 0.2, null)).toBe("0.3");
  expect(shown(Number.NaN, "on")).toBe("on");
});
