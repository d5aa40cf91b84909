/** Short messages in a corner. What draws them is fetched with the first one. */
import { type ReactNode, useSyncExternalStore } from "react";
import { i18n } from "@/i18n";

/** How long a message with something to read or to follow stays. */
export const LONG_MS = 20_000;

let wanted = false;
const watchers = new Set<() => void>();

/** Shows a message for a few seconds, or as long as is said. */
export async function toast(message: ReactNode, color: "accent" | "red" = "accent", forMs?: number): Promise<void> {
  const { notifications } = await import("@mantine/notifications");
  wanted = true;
  for (const watcher of watchers) watcher();
  const closeButtonProps = { "aria-label": i18n.t("close") };
  notifications.show({ message, color, withBorder: true, closeButtonProps, ...(forMs === undefined ? {} : { autoClose: forMs }) });
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
