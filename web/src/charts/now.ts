/** One clock for everything on the page that says how old it is; it stands while the tab is hidden. */
import { useSyncExternalStore } from "react";

const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;

function tick(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  if (timer === null) {
    now = Date.now();
    timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
  }
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
    document.removeEventListener("visibilitychange", tick);
  };
}

const read = () => now;

/** Milliseconds since the epoch, new each second. */
export function useNow(): number {
  return useSyncExternalStore(watch, read);
}

/** What the moment means, such as "late"; the component is drawn anew only when that becomes another. */
export function useNowAs<Meaning extends string | number>(meaningOf: (now: number) => Meaning): Meaning {
  return useSyncExternalStore(watch, () => meaningOf(now));
}
