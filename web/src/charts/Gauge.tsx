/** A dial for one value: a meter to screen readers, with amber and red named by icon and word, not by colour alone. */
import { CircleAlert, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { reading, spoken, type Unit } from "./format";
import classes from "./Gauge.module.css";

export interface GaugeProps {
  label: string;
  /** NaN while there is no value. */
  value: number;
  unit: Unit;
  /** The value at the dial's end. */
  max: number;
  /** From here on the value asks for attention. */
  warning?: number;
  /** From here on it is bad. */
  danger?: number;
  /** One line under the dial: what the number is of. */
  detail?: ReactNode;
  /** The value is old. */
  stale?: boolean;
}

export type Level = "calm" | "warning" | "danger";

const RADIUS = 44;
const SWEEP = 240;
const LENGTH = (2 * Math.PI * RADIUS * SWEEP) / 360;

export function levelOf(value: number, warning = Infinity, danger = Infinity): Level {
  if (value >= danger) return "danger";
  return value >= warning ? "warning" : "calm";
}

export function Gauge({ label, value, unit, max, warning, danger, detail, stale = false }: GaugeProps) {
  const { t } = useTranslation("charts");
  const known = Number.isFinite(value);
  const share = known && max > 0 ? Math.min(1, Math.max(0, value / max)) : 0;
  const level = levelOf(value, warning, danger);
  const { text, unit: suffix } = reading(value, unit);
  const Icon = level === "danger" ? CircleAlert : TriangleAlert;
  const state = level === "calm" ? "" : t(`level.${level}`);
  return (
    <div className={classes["gauge"]} data-level={level} data-stale={stale || undefined}>
      <p className={classes["label"]} aria-hidden>
        {label}
      </p>
      <div
        className={classes["dial"]}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={known ? Math.min(max, Math.max(0, value)) : 0}
        aria-valuetext={known ? `${spoken(value, unit)} ${state}`.trim() : t("none")}
      >
        <svg viewBox="0 0 112 84" aria-hidden>
          <path className={classes["track"]} d={ARC} />
          <path
            className={classes["fill"]}
            d={ARC}
            strokeDasharray={`${LENGTH} ${LENGTH}`}
            strokeDashoffset={LENGTH * (1 - share)}
            opacity={share === 0 ? 0 : 1}
          />
        </svg>
        <span className={classes["number"]} aria-hidden>
          {text}
          <span className={classes["unit"]}>{suffix}</span>
        </span>
      </div>
      <p className={classes["detail"]}>
        {level !== "calm" && (
          <span className={classes["state"]}>
            <Icon size={13} aria-hidden /> {state}
          </span>
        )}
        {detail}
      </p>
    </div>
  );
}

/** From 7 to 5 o'clock, clockwise. */
const ARC = (() => {
  const at = (degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    return `${(56 + RADIUS * Math.sin(angle)).toFixed(2)} ${(52 - RADIUS * Math.cos(angle)).toFixed(2)}`;
  };
  return `M ${at(-SWEEP / 2)} A ${RADIUS} ${RADIUS} 0 1 1 ${at(SWEEP / 2)}`;
})();
