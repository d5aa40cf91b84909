/** How old a sample is: "now", then counting, and fading once it is later than expected. */
import { useTranslation } from "react-i18next";
import classes from "./Age.module.css";
import { useNow } from "./now";
import { date, moment } from "./ticks";

export interface AgeProps {
  /** Milliseconds since the epoch; NaN shows nothing. */
  time: number;
  /** How often samples are expected; three times that is late. */
  everyMs?: number;
}

export type Freshness = "fresh" | "late" | "stale";

/** Late after three expected samples, stale after a minute beyond that. */
export function freshness(ageMs: number, everyMs: number): Freshness {
  const late = Math.max(3_000, everyMs * 3);
  if (ageMs < late) return "fresh";
  return ageMs < late + 60_000 ? "late" : "stale";
}

export type AgeUnit = "now" | "seconds" | "minutes" | "hours" | "days" | "date";

/** The largest unit of which there is at least one; after two months a count of days says less than the date. */
export function ageParts(ageMs: number): { unit: AgeUnit; count: number } {
  const seconds = Math.floor(ageMs / 1000);
  if (seconds < 2) return { unit: "now", count: 0 };
  if (seconds < 60) return { unit: "seconds", count: seconds };
  if (seconds < 3600) return { unit: "minutes", count: Math.floor(seconds / 60) };
  if (seconds < 172_800) return { unit: "hours", count: Math.floor(seconds / 3600) };
  if (seconds < 60 * 86_400) return { unit: "days", count: Math.floor(seconds / 86_400) };
  return { unit: "date", count: 0 };
}

export function Age({ time, everyMs = 1000 }: AgeProps) {
  const { t } = useTranslation("charts");
  const now = useNow();
  if (!Number.isFinite(time)) return null;
  const age = Math.max(0, now - time);
  const { unit, count } = ageParts(age);
  return (
    <time
      className={classes["age"]}
      dateTime={new Date(time).toISOString()}
      title={moment(time)}
      data-freshness={freshness(age, everyMs)}
    >
      {unit === "date" ? date(time) : unit === "now" ? t("age.now") : t(`age.${unit}`, { count })}
    </time>
  );
}
