/** React's view of the live connection. */
import { useEffect, useEffectEvent, useState, useSyncExternalStore } from "react";
import { liveClient } from "./browser";
import type { LiveListener } from "./client";
import { subscriptionKey, type Subscription } from "./protocol";
import type { LiveState } from "./state";

/** The state of the tab's connection; whoever looks at it also opens it. */
export function useLiveState(): LiveState {
  const client = liveClient();
  useEffect(() => {
    client.start();
  }, [client]);
  return useSyncExternalStore(client.watch, client.getState);
}

/** Receives points for as long as the component is shown; null subscribes to nothing. */
export function useLive(subscription: Subscription | null, listener: LiveListener): void {
  const onFrame = useEffectEvent<LiveListener["onFrame"]>((frame, rows) => {
    listener.onFrame(frame, rows);
  });
  const onGap = useEffectEvent(() => listener.onGap?.());
  const onError = useEffectEvent((code: string, error: string) => listener.onError?.(code, error));
  const key = subscription === null ? null : subscriptionKey(subscription);
  useEffect(() => {
    if (subscription === null) return;
    return liveClient().subscribe(subscription, {
      onFrame: (frame, rows) => {
        onFrame(frame, rows);
      },
      onGap: () => onGap(),
      onError: (code, error) => onError(code, error),
    });
    // The key stands for the subscription: equal wishes keep the stream, whatever object they come in.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
}

/** A count that grows on the next animation frame after `touch`, at most `hz` times a second. */
export function useTick(hz: number): [tick: number, touch: () => void] {
  const [ticker] = useState(() => makeTicker(hz));
  const tick = useSyncExternalStore(ticker.watch, ticker.count);
  useEffect(() => ticker.cancel, [ticker]);
  return [tick, ticker.touch];
}

function makeTicker(hz: number) {
  const watchers = new Set<() => void>();
  const pause = 1000 / hz;
  let count = 0;
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const fire = () => {
    timer = null;
    last = performance.now();
    count += 1;
    for (const watcher of watchers) watcher();
  };
  return {
    count: () => count,
    watch: (watcher: () => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    touch: () => {
      timer ??= setTimeout(fire, Math.max(0, last + pause - performance.now()));
    },
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
