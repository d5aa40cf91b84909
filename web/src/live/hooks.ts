/** React's view of the live connection. */
import { startTransition, useEffect, useEffectEvent, useLayoutEffect, useState, useSyncExternalStore } from "react";
import { liveClient } from "./browser";
import type { LiveListener } from "./client";
import { subscriptionKey, type Subscription } from "./protocol";
import type { LiveState } from "./state";
import { makeTicker, type Ticker } from "./ticker";

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

/** A ticker of the component's own; `useTick` draws in its rhythm. */
export function useTicker(hz: number): Ticker {
  const [ticker] = useState(() => makeTicker(hz));
  useEffect(() => ticker.cancel, [ticker]);
  return ticker;
}

/** A count that grows with the ticker; whoever uses it is drawn with each tick. */
export function useTick(ticker: Ticker): number {
  const tick = useSyncExternalStore(ticker.watch, ticker.count);
  useLayoutEffect(() => {
    ticker.drawn();
  }, [ticker, tick]);
  return tick;
}

/** Like `useTick`, but everything that is drawn at once goes first, and may interrupt. */
export function useDeferredTick(ticker: Ticker): number {
  const [tick, setTick] = useState(ticker.count);
  useEffect(() => {
    const follow = () => {
      startTransition(() => {
        setTick(ticker.count());
      });
    };
    follow();
    return ticker.watch(follow);
  }, [ticker]);
  useLayoutEffect(() => {
    ticker.drawn();
  }, [ticker, tick]);
  return tick;
}
