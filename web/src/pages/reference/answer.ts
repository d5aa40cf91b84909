/** Sends a request from the page and reads the answer into something that can be shown. */
import { ApiError } from "@/api/client";
import { i18n } from "@/i18n";
import type { ReadyRequest } from "./request";

/** Characters of an answer that are shown. */
export const SHOWN_CHARACTERS = 50_000;

/** An answer to show. */
export interface Answer {
  ok: boolean;
  status: number;
  statusText: string;
  elapsedMs: number;
  bytes: number;
  contentType: string;
  /** The text, pretty when it is JSON; null when the answer is not text. */
  text: string | null;
  /** Whether `text` is only the beginning. */
  cut: boolean;
  blob: Blob;
}

function isText(contentType: string): boolean {
  return /^text\/|json|xml|yaml|csv/.test(contentType);
}

function pretty(text: string, contentType: string): string {
  if (!contentType.includes("json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Sends the request with the session of this page. */
export async function send(request: ReadyRequest, signal: AbortSignal): Promise<Answer> {
  const start = performance.now();
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    body: request.body,
    credentials: "same-origin",
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : new ApiError(i18n.t("errors.network"), 0, "network");
  });
  const blob = await response.blob();
  const contentType = response.headers.get("content-type") ?? "";
  const whole = isText(contentType) ? pretty(await blob.text(), contentType) : blob.size === 0 ? "" : null;
  return {
    ok: response.ok,
    status: response.status,
    statusText: response.statusText,
    elapsedMs: performance.now() - start,
    bytes: blob.size,
    contentType,
    text: whole === null ? null : whole.slice(0, SHOWN_CHARACTERS),
    cut: whole !== null && whole.length > SHOWN_CHARACTERS,
    blob,
  };
}
