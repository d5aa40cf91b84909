/** How long a machine has been running, in its two largest units. */
import type { TFunction } from "i18next";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function uptime(seconds: number, t: TFunction<"overview">): string {
  const days = Math.floor(seconds / DAY);
  const hours = Math.floor((seconds % DAY) / HOUR);
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (days > 0) return t("uptime.days", { days, hours });
  if (hours > 0) return t("uptime.hours", { hours, minutes });
  return t("uptime.minutes", { minutes });
}
