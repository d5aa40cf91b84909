/** Labels of the axes: 24-hour clock, and as much of the date as the step between two ticks needs. */
import { reading, type Unit } from "./format";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });
const fullDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/**
 * Labels of time ticks that are `stepMs` apart. Midnight says its day instead; where no tick does, and the day is not
 * today's, the first tick names it too.
 */
export function timeLabels(ticks: readonly number[], stepMs: number, now = Date.now()): string[] {
  if (stepMs >= DAY) return ticks.map((time) => (stepMs >= 28 * DAY ? month : day).format(new Date(time)));
  const clockOf = stepMs < MINUTE ? seconds : clock;
  const isMidnight = (time: number) => {
    const date = new Date(time);
    return date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0 && time % SECOND === 0;
  };
  const nameFirst = !ticks.some(isMidnight) && ticks[0] !== undefined && !isSameDay(ticks[0], now);
  return ticks.map((time, index) => {
    const date = new Date(time);
    if (isMidnight(time)) return day.format(date);
    return index === 0 && nameFirst ? `${clockOf.format(date)}, ${day.format(date)}` : clockOf.format(date);
  });
}

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** The time of day, and the day where it is not today's. */
export function cursorTime(time: number, now = Date.now()): string {
  return isSameDay(time, now) ? timeOfDay(time) : moment(time);
}

/** A moment in full, for the legend and for screen readers. */
export function moment(time: number): string {
  return full.format(new Date(time));
}

/** The day of a moment. */
export function date(time: number): string {
  return fullDay.format(new Date(time));
}

/** The time of day, with seconds. */
export function timeOfDay(time: number): string {
  return seconds.format(new Date(time));
}

/** Labels of value ticks; all in the unit of the largest, named once per label. */
export function valueLabels(ticks: readonly number[], unit: Unit): string[] {
  const largest = ticks.reduce((size, tick) => Math.max(size, Math.abs(tick)), 0);
  return ticks.map((tick) => {
    const { text, unit: suffix } = reading(tick, unit, largest);
    const short = unit === "percent" ? String(Math.round(tick * 10) / 10) : text;
    if (tick === 0) return "0";
    return suffix === "" ? short : unit === "percent" ? `${short}%` : `${short} ${suffix}`;
  });
}

/** Steps between value ticks: powers of two for bytes, so that a tick says 4 GiB and not 3.73. */
export function valueSteps(unit: Unit): number[] | null {
  if (unit !== "bytes") return null;
  return Array.from({ length: 56 }, (_, power) => 2 ** power);
}
