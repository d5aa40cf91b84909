/**
 * When a view that follows the stream is drawn anew: as soon as there is something new, at most so many times a second, and
 * never so often that drawing takes more than a quarter of the time, so that a slow device stays usable.
 */

export interface Ticker {
  /** Something changed that is to be drawn. */
  readonly touch: () => void;
  /** How often it was time to draw. */
  readonly count: () => number;
  /** Calls `watcher` whenever it is time to draw; returns what ends that. */
  readonly watch: (watcher: () => void) => () => void;
  /** Somebody who watches has drawn what the last tick brought. */
  readonly drawn: () => void;
  /** Forgets the tick that is due. */
  readonly cancel: () => void;
}

/** After a drawing, three times as long as it took belongs to others. */
const REST = 3;

export function makeTicker(hz: number): Ticker {
  const watchers = new Set<() => void>();
  const pause = 1000 / hz;
  let count = 0;
  let last = -Infinity;
  let cost = 0;
  let drawing = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const fire = () => {
    timer = null;
    last = performance.now();
    cost = 0;
    drawing = watchers.size > 0;
    count += 1;
    for (const watcher of watchers) watcher();
  };
  return {
    touch: () => {
      const next = last + Math.max(pause, cost * (1 + REST));
      timer ??= setTimeout(fire, Math.max(0, next - performance.now()));
    },
    count: () => count,
    watch: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    drawn: () => {
      if (drawing) cost = performance.now() - last;
      drawing = false;
    },
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
