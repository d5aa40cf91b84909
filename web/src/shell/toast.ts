/** Short messages in a corner. What draws them is fetched with the first one. */
import { useSyncExternalStore } from "react";

let wanted = false;
const watchers = new Set<() => void>();

/** Shows a message for a few seconds. */
export async function toast(message: string, color: "accent" | "red" = "accent"): Promise<void> {
  const { notifications } = await import("@mantine/notifications");
  wanted = true;
  for (const watcher of watchers) watcher();
  notifications.show({ message, color });
}

/** Whether a message has ever been shown in this tab. */
export function useToastsWanted(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => wanted,
  );
}
