/** The last points of a series as a line the height of a text row; decoration beside a number, silent to screen readers. */
import { memo } from "react";
import classes from "./Sparkline.module.css";

export interface SparklineProps {
  times: ArrayLike<number>;
  values: ArrayLike<number>;
  width: number;
  height: number;
  /** A longer step is a gap. */
  gapMs: number;
}

export const Sparkline = memo(function Sparkline({ times, values, width, height, gapMs }: SparklineProps) {
  return (
    <svg
      className={classes["spark"]}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      style={{ height }}
      aria-hidden
    >
      <path d={sparkPath(times, values, width, height, gapMs)} />
    </svg>
  );
});

/** The line through the points, fitted to the box; a new piece begins after each gap. */
export function sparkPath(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  width: number,
  height: number,
  gapMs: number,
): string {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < times.length; i += 1) {
    const value = values[i] ?? NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const first = times[0] ?? 0;
  const span = (times[times.length - 1] ?? 0) - first;
  if (!(high >= low) || span <= 0) return "";
  const spread = high - low;
  const x = (time: number) => (((time - first) / span) * (width - 2) + 1).toFixed(1);
  const y = (value: number) =>
    (spread === 0 ? height / 2 : height - 1.5 - ((value - low) / spread) * (height - 3)).toFixed(1);
  let path = "";
  let previous = -Infinity;
  for (let i = 0; i < times.length; i += 1) {
    const time = times[i] ?? 0;
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) {
      previous = -Infinity;
      continue;
    }
    path += `${time - previous > gapMs ? "M" : "L"}${x(time)} ${y(value)}`;
    previous = time;
  }
  return path;
}
