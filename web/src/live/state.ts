/**
 * - `live`: frames come as fast as the server has them;
 * - `reconnecting`: the connection is lost or new, and attempts to get it go on;
 * - `degraded`: data comes, but less often: this client is slow, or only the 1 Hz fallback gets through;
 * - `offline`: no connection, and several attempts have failed, or the device has no network.
 */
export type LiveStatus = "live" | "reconnecting" | "degraded" | "offline";

export interface LiveState {
  readonly status: LiveStatus;
  readonly transport: "websocket" | "sse" | null;
  /** Frames a second that the server sends at most; 0 without a connection. */
  readonly hz: number;
  /** Points that the server replaced by newer ones of the same series because this client was slow. */
  readonly coalesced: number;
  /** Frames that could not be read; more than none means that page and server differ in version. */
  readonly unreadable: number;
}

export const INITIAL_STATE: LiveState = { status: "reconnecting", transport: null, hz: 0, coalesced: 0, unreadable: 0 };
