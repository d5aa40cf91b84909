/** The tab's one live client, joined to the browser: its address, its visibility and its network. */
import { LiveClient } from "./client";
import { openServerSentEvents } from "./sse";

let client: LiveClient | null = null;

export function liveClient(): LiveClient {
  if (client !== null) return client;
  const made = new LiveClient({
    openSocket: () => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/live`),
    openFallback: typeof EventSource === "undefined" ? null : openServerSentEvents,
    random: Math.random,
    isHidden: () => document.hidden,
    isOnline: () => navigator.onLine,
  });
  document.addEventListener("visibilitychange", () => {
    made.visibilityChanged();
  });
  window.addEventListener("online", () => {
    made.networkChanged();
  });
  window.addEventListener("offline", () => {
    made.networkChanged();
  });
  client = made;
  return made;
}
