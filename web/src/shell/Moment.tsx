/** A point in time as a person says it, with the exact time on hover. */
import { useTranslation } from "react-i18next";

const units = [
  ["days", 86_400_000],
  ["hours", 3_600_000],
  ["minutes", 60_000],
  ["seconds", 1_000],
] as const;

/** The largest unit that is at least one, and how many of it; null below one second. */
export function ageIn(elapsedMs: number): { unit: (typeof units)[number][0]; count: number } | null {
  for (const [unit, length] of units) {
    if (elapsedMs >= length) return { unit, count: Math.floor(elapsedMs / length) };
  }
  return null;
}

/** Says how long ago; does not tick. */
export function Moment({ time, now }: { time: Date; now: number }) {
  const { t, i18n } = useTranslation();
  const age = ageIn(now - time.getTime());
  const exact = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "medium" }).format(time);
  return (
    <time dateTime={time.toISOString()} title={exact}>
      {age === null ? t("age.now") : t(`age.${age.unit}`, { count: age.count })}
    </time>
  );
}
