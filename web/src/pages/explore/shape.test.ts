import { describe, expect, it } from "vitest";
import type { Kind, Result, ResultColumn } from "@/sql/result";
import { examplesFor } from "./examples";
import { readHistory, remember } from "./history";
import { SERIES_LIMIT, shapeChart } from "./shape";

const column = (name: string, kind: Kind, values: ResultColumn["values"]): ResultColumn => ({
  name,
  kind,
  type: kind,
  values,
});
const result = (...columns: ResultColumn[]): Result => ({ columns, rows: columns[0]?.values.length ?? 0, bytes: 0 });

describe("shapeChart", () => {
  it("draws every number over the first time", () => {
    const shape = shapeChart(
      result(column("t", "time", [1000, 2000]), column("a", "number", [1, 2]), column("b", "number", [3, null])),
      {},
    );
    expect(shape).toMatchObject({ x: "t", y: ["a", "b"], split: null });
    expect(shape.panels).toEqual([
      {
        labels: ["a", "b"],
        left: 0,
        data: {
          times: [1000, 2000],
          columns: [
            [1, 2],
            [3, null],
          ],
        },
      },
    ]);
  });

  it("gives columns of another size a scale of their own", () => {
    const shape = shapeChart(
      result(
        column("t", "time", [1000, 2000]),
        column("temperature", "number", [20, 22]),
        column("co2", "number", [800, 900]),
        column("humidity", "number", [30, 31]),
      ),
      {},
    );
    expect(shape.panels.map((panel) => panel.labels)).toEqual([["temperature", "humidity"], ["co2"]]);
  });

  it("sorts by time, and of rows with one time draws the last", () => {
    const { panels } = shapeChart(
      result(column("t", "time", [3, 1, 2, 2]), column("v", "number", [30, 10, 20, 21])),
      {},
    );
    expect(panels[0]?.data).toEqual({ times: [1, 2, 3], columns: [[10, 21, 30]] });
  });

  it("splits by the column that tells rows of one time apart", () => {
    const rows = result(
      column("t", "time", [1, 1, 2, 2]),
      column("host", "text", ["a", "a", "a", "a"]),
      column("cpu", "text", ["cpu0", "cpu1", "cpu0", "cpu1"]),
      column("v", "number", [1, 2, 3, 4]),
    );
    expect(shapeChart(rows, {})).toMatchObject({ split: "cpu" });
    expect(shapeChart(rows, {}).panels[0]?.labels).toEqual(["cpu0", "cpu1"]);
    expect(shapeChart(rows, { split: "-" }).panels[0]?.labels).toEqual(["v"]);
  });

  it("does not split where each time has one row", () => {
    const rows = result(column("t", "time", [1, 2]), column("host", "text", ["a", "b"]), column("v", "number", [1, 2]));
    expect(shapeChart(rows, {}).split).toBeNull();
    expect(shapeChart(rows, { split: "host" }).panels[0]?.labels).toEqual(["a", "b"]);
  });

  it("says how many lines it left out", () => {
    const names = Array.from({ length: SERIES_LIMIT + 3 }, (_, index) => `s${index}`);
    const rows = result(
      column(
        "t",
        "time",
        names.map(() => 1),
      ),
      column("name", "text", names),
      column(
        "v",
        "number",
        names.map(() => 1),
      ),
    );
    const [panel] = shapeChart(rows, { split: "name" }).panels;
    expect(panel).toMatchObject({ left: 3 });
    expect(panel?.labels).toHaveLength(SERIES_LIMIT);
  });

  it("has nothing to draw without a time or a number", () => {
    expect(shapeChart(result(column("v", "number", [1])), {})).toMatchObject({ x: null, panels: [] });
    expect(shapeChart(result(column("t", "time", [1])), {})).toMatchObject({ y: [], panels: [] });
  });
});

describe("examplesFor", () => {
  const field = (name: string) => ({ name, kind: "field", type: "float" });
  it("offers only what has an answer", () => {
    expect(examplesFor([]).map((example) => example.name)).toEqual(["tables"]);
    const office = { name: "office", columns: [field("Temperature"), field("CO2")] };
    expect(examplesFor([office]).map((example) => example.name)).toEqual(["office", "latest", "count", "tables"]);
    expect(examplesFor([{ name: "cpu", columns: [field("usage_user")] }]).map((example) => example.name)).toEqual([
      "tables",
    ]);
  });
  it("quotes a table's name", () => {
    const [latest] = examplesFor([{ name: 'my "room"', columns: [] }]);
    expect(latest?.sql).toContain('FROM "my ""room"""');
  });
});

describe("history", () => {
  it("keeps a statement once, newest first, and survives nonsense", () => {
    localStorage.setItem("sensorium-queries", "{nonsense");
    expect(readHistory()).toEqual([]);
    remember({ database: "main", sql: "SELECT 1", time: 1 });
    remember({ database: "main", sql: "SELECT 2", time: 2 });
    remember({ database: "main", sql: "SELECT 1", time: 3 });
    expect(readHistory().map((ran) => [ran.sql, ran.time])).toEqual([
      ["SELECT 1", 3],
      ["SELECT 2", 2],
    ]);
  });
});
