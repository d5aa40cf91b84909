/** Statements for a newcomer, each only where the tables it asks exist. */
import { quoted } from "@/sql/query";

export interface Table {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly kind: string; readonly type: string }[];
}

export type ExampleName = "cpu" | "cores" | "memory" | "disk" | "office" | "latest" | "count" | "tables";

export interface Example {
  readonly name: ExampleName;
  readonly sql: string;
  readonly view?: "chart";
  /** The table that the example is about, where it is not part of its name. */
  readonly table?: string;
}

interface Needs {
  readonly table: string;
  readonly columns: readonly string[];
}

const FIXED: readonly (Example & { readonly needs: Needs })[] = [
  {
    name: "cpu",
    view: "chart",
    needs: { table: "cpu", columns: ["cpu", "usage_user", "usage_system"] },
    sql: `SELECT date_bin(INTERVAL '10 seconds', time) AS t,
       avg(usage_user) AS "user",
       avg(usage_system) AS "system"
FROM cpu
WHERE time >= now() - INTERVAL '1 hour' AND cpu = 'cpu-total'
GROUP BY t
ORDER BY t`,
  },
  {
    name: "cores",
    view: "chart",
    needs: { table: "cpu", columns: ["cpu", "usage_idle"] },
    sql: `SELECT date_bin(INTERVAL '5 seconds', time) AS t, cpu, max(100 - usage_idle) AS busy
FROM cpu
WHERE time >= now() - INTERVAL '15 minutes' AND cpu <> 'cpu-total'
GROUP BY t, cpu
ORDER BY t`,
  },
  {
    name: "memory",
    view: "chart",
    needs: { table: "mem", columns: ["used_percent"] },
    sql: `SELECT date_bin(INTERVAL '10 seconds', time) AS t, max(used_percent) AS used_percent
FROM mem
WHERE time >= now() - INTERVAL '1 hour'
GROUP BY t
ORDER BY t`,
  },
  {
    name: "disk",
    needs: { table: "disk", columns: ["path", "used_percent"] },
    sql: `SELECT path, max(used_percent) AS fullest, min(free) AS least_free
FROM disk
WHERE time >= now() - INTERVAL '1 hour'
GROUP BY path
ORDER BY fullest DESC`,
  },
  {
    name: "office",
    view: "chart",
    needs: { table: "office", columns: ["Temperature", "CO2"] },
    sql: `SELECT date_bin(INTERVAL '1 hour', time) t, avg("Temperature"), max("CO2")
FROM office
GROUP BY t
ORDER BY t`,
  },
];

const VITALS = new Set([
  "cpu",
  "mem",
  "disk",
  "diskio",
  "net",
  "swap",
  "system",
  "processes",
  "procstat",
  "pressure",
  "temp",
]);

/** The examples that have an answer with these tables; own tables get theirs first. */
export function examplesFor(tables: readonly Table[]): Example[] {
  const has = ({ table, columns }: Needs) => {
    const found = tables.find((one) => one.name === table);
    return found !== undefined && columns.every((column) => found.columns.some((one) => one.name === column));
  };
  const fixed: Example[] = FIXED.filter((example) => has(example.needs));
  const own = tables.find((table) => !VITALS.has(table.name));
  const about: Example[] =
    own === undefined
      ? []
      : [
          { name: "latest", table: own.name, sql: latest(own.name) },
          {
            name: "count",
            table: own.name,
            sql: `SELECT count(*) AS readings, min("time") AS first, max("time") AS last\nFROM ${quoted(own.name)}`,
          },
        ];
  return [...fixed, ...about, { name: "tables", sql: "SHOW TABLES" }];
}

/** The newest rows of a table. */
export function latest(table: string): string {
  return `SELECT *\nFROM ${quoted(table)}\nORDER BY "time" DESC\nLIMIT 100`;
}
