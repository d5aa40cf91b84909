/** The names, colours and newest values of a chart's series, or their values under the cursor. */
import { UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { usePalette } from "@/theme/usePalette";
import type { Aligned } from "./align";
import { reading, type Unit } from "./format";
import classes from "./Legend.module.css";
import { type ChartSeries, colorOf } from "./options";
import { cursorTime } from "./ticks";

export interface LegendProps {
  data: Aligned;
  series: readonly ChartSeries[];
  unit: Unit;
  /** The row under the cursor; null shows the newest values. */
  row: number | null;
  shown: readonly boolean[];
  onToggle: (label: string) => void;
}

export function Legend({ data, series, unit, row, shown, onToggle }: LegendProps) {
  const { t } = useTranslation("charts");
  const palette = usePalette();
  const time = row === null ? undefined : data.times[row];
  return (
    <div className={classes["legend"]} role="group" aria-label={t("legend")}>
      {series.map((one, index) => {
        const value = valueAt(data, index, row);
        const { text, unit: suffix } = reading(value, unit);
        return (
          <UnstyledButton
            key={one.label}
            className={classes["entry"]}
            aria-pressed={shown[index] ?? true}
            onClick={() => {
              onToggle(one.label);
            }}
          >
            <span className={classes["swatch"]} style={{ background: colorOf(one, palette) }} aria-hidden />
            <span className={classes["name"]}>{one.label}</span>
            <span className={classes["value"]}>
              {text}
              {suffix !== "" && <span className={classes["unit"]}> {suffix}</span>}
            </span>
          </UnstyledButton>
        );
      })}
      <span className={classes["time"]}>{time === undefined ? "" : cursorTime(time)}</span>
    </div>
  );
}

/** The value in a row, or the newest there is; NaN without one. */
export function valueAt(data: Aligned, index: number, row: number | null): number {
  const column = data.columns[index];
  if (column === undefined) return NaN;
  if (row !== null) return column[row] ?? NaN;
  for (let i = column.length - 1; i >= 0; i -= 1) {
    const cell = column[i];
    if (typeof cell === "number") return cell;
  }
  return NaN;
}
