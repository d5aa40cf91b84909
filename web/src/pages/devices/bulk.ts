/**
 * Changes many devices one after the other, as the API does it, and keeps an honest account: what was done, what was
 * so already, what was refused and why, and what was not tried. A change that came too late is made once more for
 * the device as it is by now, except a deletion: whoever deletes should have seen what is deleted.
 */
import { ApiError, api } from "@/api/client";
import { currentOf } from "@/api/current";
import type { Device } from "@/api/queries";

/** What is done to each. */
export type BulkAct = { how: "enable" } | { how: "disable" } | { how: "delete" } | { how: "tag"; name: string; value: string };

/** How it went, so far or in the end. */
export interface Account {
  done: number;
  /** Devices that were so already, or gone when they were to be deleted. */
  same: number;
  failed: readonly { device: Device; error: Error }[];
  /** Devices that were not tried, because somebody stopped it or every other try would fail, too. */
  untried: readonly Device[];
}

/** Changes one device; false if there was nothing to change. */
export type ChangeOne = (device: Device, act: BulkAct) => Promise<boolean>;

/** How many changes are under way at a time. */
const AT_A_TIME = 4;
/** The longest pause that the server may ask for. */
const LONGEST_PAUSE_S = 60;

/** Whether a device is already as it is wanted. */
export function isSo(device: Device, act: BulkAct): boolean {
  switch (act.how) {
    case "enable":
      return device.enabled;
    case "disable":
      return !device.enabled;
    case "tag":
      return act.value === "" ? !(act.name in device.tags) : device.tags[act.name] === act.value;
    case "delete":
      return false;
  }
}

/** The tags with one more, or with another value; without it if the value is empty. */
export function tagged(tags: Device["tags"], name: string, value: string): Device["tags"] {
  const others = Object.entries(tags).filter(([known]) => known !== name);
  return Object.fromEntries(value === "" ? others : [...others, [name, value]]);
}

/** A refusal that says nothing about the device: every other try would meet it, too. */
function isForAll(error: unknown): boolean {
  return error instanceof ApiError && [0, 401, 403, 503].includes(error.status);
}

async function send(device: Device, act: BulkAct): Promise<void> {
  const { id, version } = device;
  if (act.how === "delete") {
    await api.DELETE("/api/v1/devices/{id}", { params: { path: { id }, query: { version } } });
    return;
  }
  const wanted = act.how === "tag" ? { tags: tagged(device.tags, act.name, act.value) } : { enabled: act.how === "enable" };
  await api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body: { version, ...wanted } });
}

/** Asks the server to change one. */
export const changeOne: ChangeOne = async (device, act) => {
  if (isSo(device, act)) return false;
  try {
    await send(device, act);
    return true;
  } catch (error) {
    if (act.how === "delete") {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
    const now = currentOf(error) as Device | null;
    if (now === null) throw error;
    if (isSo(now, act)) return false;
    await send(now, act);
    return true;
  }
};

/** Waits so long, or until `signal`. */
const pause = (seconds: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, seconds * 1_000);
    signal.addEventListener("abort", end);
  });

/** Changes all, a few at a time; `onProgress` hears of each. After `signal`, only what is under way is awaited. */
export async function changeAll(
  devices: readonly Device[],
  act: BulkAct,
  onProgress: (account: Account) => void,
  signal: AbortSignal,
  change: ChangeOne = changeOne,
): Promise<Account> {
  const waiting = [...devices];
  const failed: Account["failed"][number][] = [];
  let done = 0;
  let same = 0;
  const hopeless = new AbortController();
  const over = AbortSignal.any([signal, hopeless.signal]);
  const account = (): Account => ({ done, same, failed: [...failed], untried: [...waiting] });

  async function tryOne(device: Device): Promise<void> {
    try {
      if (await change(device, act)) done += 1;
      else same += 1;
    } catch (error) {
      const wait = error instanceof ApiError && error.status === 429 ? error.retryAfterSeconds : null;
      if (wait !== null && wait <= LONGEST_PAUSE_S) {
        if (!over.aborted) await pause(wait, over);
        if (!over.aborted) return tryOne(device);
        waiting.unshift(device);
        return;
      }
      failed.push({ device, error: error instanceof Error ? error : new Error(String(error)) });
      if (isForAll(error)) hopeless.abort();
    }
  }

  async function work(): Promise<void> {
    while (!over.aborted) {
      const device = waiting.shift();
      if (device === undefined) return;
      await tryOne(device);
      onProgress(account());
    }
  }

  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return account();
}
