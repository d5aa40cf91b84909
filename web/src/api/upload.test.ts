import { expect, it, vi } from "vitest";
import { ApiError } from "./client";
import { upload } from "./upload";

/** A request that a test answers. */
class FakeRequest extends EventTarget {
  static last: FakeRequest;
  upload = new EventTarget();
  status = 0;
  responseText = "";
  sent: unknown = null;
  address = "";
  constructor() {
    super();
    FakeRequest.last = this;
  }
  open(method: string, address: string) {
    this.address = `${method} ${address}`;
  }
  send(body: unknown) {
    this.sent = body;
  }
  abort() {
    this.dispatchEvent(new Event("abort"));
  }
  getResponseHeader() {
    return null;
  }
  answer(status: number, text: string) {
    this.status = status;
    this.responseText = text;
    this.dispatchEvent(new Event("load"));
  }
}

const begin = () => {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  const onProgress = vi.fn();
  const control = new AbortController();
  const file = new Blob(["plan"]);
  const done = upload("/api/v1/places/1/plan?version=2", file, { onProgress, signal: control.signal });
  return { done, onProgress, control, file, request: FakeRequest.last };
};

it("tells how far it is, and gives the answer", async () => {
  const { done, onProgress, request, file } = begin();
  expect([request.address, request.sent]).toEqual(["PUT /api/v1/places/1/plan?version=2", file]);
  request.upload.dispatchEvent(Object.assign(new Event("progress"), { loaded: 1, total: 4, lengthComputable: true }));
  request.upload.dispatchEvent(Object.assign(new Event("progress"), { loaded: 1, total: 0, lengthComputable: false }));
  expect(onProgress.mock.calls).toEqual([[0.25]]);
  request.answer(200, `{"id":"1"}`);
  expect(await done).toEqual({ id: "1" });
});

it("throws the server's own words, a network that is gone, and what was stopped", async () => {
  const refused = begin();
  refused.request.answer(413, `{"error":"too large","code":"too_large"}`);
  await expect(refused.done).rejects.toMatchObject({ status: 413, code: "too_large", message: "too large" });
  const broken = begin();
  broken.request.answer(200, "no JSON");
  await expect(broken.done).rejects.toBeInstanceOf(ApiError);
  const gone = begin();
  gone.request.dispatchEvent(new Event("error"));
  await expect(gone.done).rejects.toMatchObject({ status: 0, code: "network" });
  const stopped = begin();
  stopped.control.abort();
  await expect(stopped.done).rejects.toMatchObject({ name: "AbortError" });
});
