/** The live stream of readings: one WebSocket a tab, subscriptions, ring buffers and React hooks. */
export { liveClient } from "./browser";
export type { LiveListener } from "./client";
export type { LiveFrame } from "./frame";
export { useDeferredTick, useLive, useLiveState, useTick, useTicker } from "./hooks";
export { LivePoints, type LiveSeries } from "./points";
export type { Subscription } from "./protocol";
export { lowerBound, TimeRing } from "./ring";
export { parseSeriesKey, seriesKey, type Tags } from "./series";
export type { LiveState, LiveStatus } from "./state";
export type { Ticker } from "./ticker";
