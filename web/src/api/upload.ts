/** Sends a file and tells how far it is, which `fetch` cannot. */
import { i18n } from "@/i18n";
import { ApiError, errorOf } from "./client";

/** What a file is sent with. */
export interface UploadOptions {
  /** How much has left, from 0 to 1; 1 while the server works on it. */
  onProgress: (part: number) => void;
  signal?: AbortSignal;
}

/** Puts a file to an address of this server; gives the body of the answer. */
export function upload(path: string, file: Blob, { onProgress, signal }: UploadOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.upload.addEventListener("progress", ({ loaded, total, lengthComputable }) => {
      if (lengthComputable && total > 0) onProgress(loaded / total);
    });
    request.addEventListener("load", () => {
      const { status, responseText } = request;
      const wait = request.getResponseHeader("retry-after");
      const response = new Response(responseText, { status, headers: wait === null ? {} : { "retry-after": wait } });
      if (!response.ok) {
        void errorOf(response).then(reject);
        return;
      }
      response.json().then(resolve, () => {
        reject(new ApiError(i18n.t("errors.unexpected", { status }), status, "internal"));
      });
    });
    request.addEventListener("error", () => {
      reject(new ApiError(i18n.t("errors.network"), 0, "network"));
    });
    request.addEventListener("abort", () => {
      reject(new DOMException("The upload was stopped", "AbortError"));
    });
    signal?.addEventListener("abort", () => {
      request.abort();
    });
    request.send(file);
  });
}
