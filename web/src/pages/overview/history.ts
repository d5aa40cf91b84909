/** Fetches the past of the vitals over SQL. */
import { literal, query, quoted } from "@/sql/query";
import { CHARTED, type OverviewModel } from "./model";

export interface TableSchema {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly kind: string; readonly type: string }[];
}

export interface HistoryWish {
  readonly database: string;
  readonly host: string;
  readonly minutes: number;
  /** Every core instead of the total. */
  readonly cores: boolean;
}

/** Tables whose past is drawn; of the others the newest value is enough. */
const DRAWN = ["cpu", "mem", "diskio", "net"] as const;

/** The question for one table's past, or null where the table lacks what is drawn. */
export function historySql(
  schema: TableSchema,
  wish: HistoryWish,
): { sql: string; tags: string[]; fields: string[] } | null {
  const wanted = CHARTED[schema.name] ?? [];
  const fields = schema.columns.filter((column) => column.kind === "field" && wanted.includes(column.name)).map(named);
  if (fields.length === 0) return null;
  const tags = schema.columns.filter((column) => column.kind === "tag").map(named);
  const where = [`"time" >= now() - INTERVAL '${wish.minutes} minutes'`];
  if (tags.includes("host") && wish.host !== "") where.push(`"host" = ${literal(wish.host)}`);
  if (schema.name === "cpu" && tags.includes("cpu")) {
    where.push(`"cpu" ${wish.cores ? "<>" : "="} 'cpu-total'`);
    if (wish.cores) fields.splice(0, fields.length, "usage_idle");
  }
  const columns = ["time", ...tags, ...fields].map(quoted).join(", ");
  const sql = `SELECT ${columns} FROM ${quoted(schema.name)} WHERE ${where.join(" AND ")} ORDER BY "time"`;
  return { sql, tags, fields };
}

const named = (column: { readonly name: string }) => column.name;

/** Loads the past of all drawn tables into the model; the first failure is thrown after the others are done. */
export async function loadHistory(
  model: OverviewModel,
  schemas: readonly TableSchema[],
  wish: HistoryWish,
  signal: AbortSignal,
): Promise<void> {
  const answers = await Promise.allSettled(
    schemas
      .filter((schema) => (DRAWN as readonly string[]).includes(schema.name))
      .flatMap((schema) => {
        const asked = historySql(schema, wish);
        return asked === null ? [] : [{ table: schema.name, ...asked }];
      })
      .map(async ({ table, sql, tags, fields }) => {
        const result = await query({ database: wish.database, sql, signal });
        model.addHistory(table, tags, fields, result);
      }),
  );
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
