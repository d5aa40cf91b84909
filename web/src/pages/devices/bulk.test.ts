import { expect, it, vi } from "vitest";
import { ApiError, api } from "@/api/client";
import type { Device } from "@/api/queries";
import { type Account, type BulkAct, changeAll, changeOne, isSo, tagged } from "./bulk";

const device = (name: string, more: Partial<Device> = {}): Device => ({
  id: name,
  name,
  type: null,
  attributes: {},
  tags: {},
  enabled: true,
  location: null,
  position: null,
  writes_as: null,
  version: 1,
  created_at: "2026-01-01T00:00:00Z",
  status: { last_seen_at: null, rows: 0, messages: 0, errors: 0 },
  ...more,
});

const many = Array.from({ length: 20 }, (_, index) => device(`node ${index}`));
const tag: BulkAct = { how: "tag", name: "site", value: "home" };
const going = () => new AbortController().signal;

it("counts what was done, what was so already, and what failed, each with its reason", async () => {
  const seen: Account[] = [];
  const refusal = new ApiError("no", 400, "invalid");
  const account = await changeAll(many, tag, (so) => seen.push(so), going(), ({ name }) => {
    if (name === "node 3") return Promise.reject(refusal);
    return Promise.resolve(name !== "node 4");
  });
  expect(account).toMatchObject({ done: 18, same: 1, untried: [] });
  expect(account.failed).toEqual([{ device: many[3], error: refusal }]);
  expect(seen).toHaveLength(20);
  expect(seen.at(-1)).toEqual(account);
});

it("does not go on where every try would fail, and says what was not tried", async () => {
  const account = await changeAll(many, tag, () => undefined, going(), () => Promise.reject(new ApiError("signed out", 401, "unauthenticated")));
  expect(account.done).toBe(0);
  expect(account.failed.length + account.untried.length).toBe(20);
  expect(account.untried.length).toBeGreaterThanOrEqual(16);
});

it("stops when it is told to, and loses none", async () => {
  const control = new AbortController();
  const account = await changeAll(many, tag, ({ done }) => { if (done === 8) control.abort(); }, control.signal, () => Promise.resolve(true));
  expect(account.done).toBeGreaterThanOrEqual(8);
  expect(account.done).toBeLessThan(13);
  expect(account.done + account.untried.length).toBe(20);
});

it("stops while a busy server lets it wait, and loses none", async () => {
  const control = new AbortController();
  const busy = new ApiError("busy", 429, "busy", {}, 60);
  const asked: string[] = [];
  const account = await changeAll(many, tag, () => undefined, control.signal, ({ name }) => {
    asked.push(name);
    // The fourth is the last that is under way at a time.
    if (asked.length === 4) setTimeout(() => { control.abort(); });
    return Promise.reject(busy);
  });
  expect(asked).toHaveLength(4);
  expect(account).toMatchObject({ done: 0, same: 0, failed: [] });
  expect(new Set(account.untried)).toEqual(new Set(many));
});

it("does not wait for a busy server where every other try would fail", async () => {
  const account = await changeAll(many, tag, () => undefined, going(), ({ name }) =>
    name === "node 3"
      ? Promise.reject(new ApiError("signed out", 401, "unauthenticated"))
      : Promise.reject(new ApiError("busy", 429, "busy", {}, 60)),
  );
  expect(account.failed).toHaveLength(1);
  expect(account.untried).toHaveLength(19);
});

it("never has more than four changes under way", async () => {
  let now = 0;
  let most = 0;
  await changeAll(many, tag, () => undefined, going(), async () => {
    now += 1;
    most = Math.max(most, now);
    await Promise.resolve();
    now -= 1;
    return true;
  });
  expect(most).toBe(4);
});

it("adds a tag to those that a device has by now, when somebody else changed it meanwhile", async () => {
  const current = device("attic", { version: 5, tags: { floor: "3" } });
  const late = new ApiError("changed meanwhile", 409, "conflict", { current });
  const patch = vi.spyOn(api, "PATCH").mockRejectedValueOnce(late).mockResolvedValueOnce({ data: {} });
  expect(await changeOne(device("attic"), tag)).toBe(true);
  expect(patch.mock.calls[1]?.[1]).toMatchObject({ body: { version: 5, tags: { floor: "3", site: "home" } } });
});

it("deletes nothing that was changed meanwhile, and is content with what is gone", async () => {
  const late = new ApiError("changed meanwhile", 409, "conflict", { current: device("attic", { version: 5 }) });
  const remove = vi.spyOn(api, "DELETE").mockRejectedValueOnce(late).mockRejectedValueOnce(new ApiError("gone", 404, "missing"));
  await expect(changeOne(device("attic"), { how: "delete" })).rejects.toBe(late);
  expect(await changeOne(device("attic"), { how: "delete" })).toBe(false);
  expect(remove).toHaveBeenCalledTimes(2);
});

it("knows what is so already", () => {
  expect([isSo(device("a"), { how: "enable" }), isSo(device("a"), { how: "disable" })]).toEqual([true, false]);
  expect(isSo(device("a", { tags: { site: "home" } }), tag)).toBe(true);
  expect(isSo(device("a", { tags: { site: "cabin" } }), tag)).toBe(false);
  expect(isSo(device("a"), { how: "tag", name: "site", value: "" })).toBe(true);
  expect(tagged({ a: "1", b: "2" }, "a", "")).toEqual({ b: "2" });
  expect(tagged({ a: "1" }, "b", "2")).toEqual({ a: "1", b: "2" });
});
