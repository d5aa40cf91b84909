/** Asks `POST /api/v1/sql`. Aborting the signal closes the request, and the server then stops the work. */
import { tableFromIPC } from "@uwdata/flechette";
import { ApiError, errorOf } from "@/api/client";
import { i18n } from "@/i18n";
import { type Result, resultOf } from "./result";

export type Format = "arrow" | "csv" | "parquet" | "json";

export interface Question {
  readonly database: string;
  readonly sql: string;
  readonly signal?: AbortSignal;
}

/** The answer of the server, unread; refusals are thrown as {@link ApiError}. */
export async function ask(question: Question, format: Format): Promise<Response> {
  let response: Response;
  try {
    response = await globalThis.fetch("/api/v1/sql", {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ db: question.database, q: question.sql, format }),
      signal: question.signal ?? null,
    });
  } catch (error) {
    throw isAbort(error) ? error : new ApiError(i18n.t("errors.network"), 0, "network");
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** The rows of the answer as columns. */
export async function query(question: Question): Promise<Result> {
  const response = await ask(question, "arrow");
  const bytes = await bodyOf(response);
  return resultOf(tableFromIPC(bytes), bytes.byteLength);
}

/** The answer as a file. */
export async function download(question: Question, format: "csv" | "parquet"): Promise<Blob> {
  return new Blob([await bodyOf(await ask(question, format))], {
    type: format === "csv" ? "text/csv" : "application/vnd.apache.parquet",
  });
}

/** The request was given up by the page itself. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** A stream that breaks off means that the query failed after its first rows: a limit, most often. */
async function bodyOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(i18n.t("errors.brokenOff"), 0, "broken_off");
  }
}

/** An identifier as SQL reads it whatever characters it holds. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
