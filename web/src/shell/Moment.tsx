/** A point in time as a person says it, with the exact time on hover. */
import type { TFunction } from "i18next";
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

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format takes longer than using it, and a long list uses it often. */
function formatFor(language: string): Intl.DateTimeFormat {
  const known = formats.get(language);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  formats.set(language, made);
  return made;
}

/** Says how long ago; does not tick. */
export function Moment({ time, now }: { time: Date; now: number }) {
  const { t, i18n } = useTranslation();
  return <PlainMoment time={time} now={now} t={t} language={i18n.language} />;
}

/** The same for long lists, which ask for the words once. */
export function PlainMoment({ time, now, t, language }: { time: Date; now: number; t: TFunction; language: string }) {
  const age = ageIn(now - time.getTime());
  return (
    <time dateTime={time.toISOString()} title={formatFor(language).format(time)}>
      {age === null ? t("age.now") : t(`age.${age.unit}`, { count: age.count })}
    </time>
  );
}
