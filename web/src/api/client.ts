/**
 * The typed HTTP client. Paths and bodies come from `schema.d.ts`; a refusal is thrown as `ApiError` with the
 * server's own sentence, so that callers and react-query see one kind of failure.
 */
import createClient, { type Middleware } from "openapi-fetch";
import { i18n } from "@/i18n";
import type { paths } from "./schema";

/** What went wrong with a request, in a sentence for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** The server's kind of error: `invalid`, `unauthenticated`, `busy`… or `network`. */
    readonly code: string,
    /** The rest of the answer, such as `line` and `column` of an SQL error. */
    readonly details: Readonly<Record<string, unknown>> = {},
    /** Seconds to wait before the next try, when the server said so. */
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads an answer that is not a success into an error. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  const wait = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  const details = isRecord(body) ? body : {};
  const sentence = details["error"];
  const code = details["code"];
  return new ApiError(
    typeof sentence === "string" ? sentence : i18n.t("errors.unexpected", { status: response.status }),
    response.status,
    typeof code === "string" ? code : "internal",
    details,
    Number.isNaN(wait) ? null : wait,
  );
}

const throwErrors: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await errorOf(response);
    return undefined;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    return new ApiError(i18n.t("errors.network"), 0, "network");
  },
};

/** Calls the server this page came from: `(await api.GET("/api/v1/databases")).data`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location.origin,
  credentials: "same-origin",
  fetch: (request) => globalThis.fetch(request),
});
api.use(throwErrors);

/** Unwraps a body that a successful answer always has. */
export function body<T>(answer: { data?: T | undefined }): T {
  if (answer.data === undefined) throw new ApiError(i18n.t("errors.unexpected", { status: 200 }), 200, "internal");
  return answer.data;
}

/** The sentence to show for whatever was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
