/** A device on a plan: its sign, its name and its first value. In the mode for it, it is moved by dragging or with the arrow keys. */
import { type KeyboardEvent, memo, type PointerEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceOnPlan, DeviceType } from "@/api/queries";
import { useNowAs } from "@/charts/now";
import { Sign } from "./Condition";
import classes from "./place.module.css";
import { conditionOf, spoken, valuesOf } from "./standing";
import { type Point, stepped } from "./view";

/** Properties of {@link Marker}. */
export interface MarkerProps {
  device: DeviceOnPlan;
  type: DeviceType | undefined;
  isSelected: boolean;
  isMovable: boolean;
  onSelect: (device: DeviceOnPlan) => void;
  onFocus: (device: DeviceOnPlan) => void;
  /** It is being moved; `isDone` once it has arrived. */
  onMove: (device: DeviceOnPlan, to: Point, isDone: boolean) => void;
}

const STEPS: Record<string, [right: number, down: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** Fractions of the plan; the second with the shift key. */
const STEP = 0.01;
const FINE_STEP = 0.001;

const percent = (fraction: number) => `${fraction * 100}%`;

/** A button on the plan. */
export const Marker = memo(function Marker(props: MarkerProps) {
  const { device, type, isSelected, isMovable, onSelect, onFocus, onMove } = props;
  const { t, i18n } = useTranslation("places");
  const condition = useNowAs((now) => conditionOf(device, now));
  /** From where on the sign it was taken hold of, to its middle. */
  const hold = useRef<(Point & { hasMoved: boolean }) | null>(null);
  const [first, ...others] = valuesOf(device, type);
  // What is seen stands in it word for word, for those who speak to their computers.
  const seen = first === undefined ? device.name : `${device.name} ${spoken(first, i18n.language)} ${first.name}`;
  const values = others.map((value) => `${spoken(value, i18n.language)} ${value.name}`);
  const words = [seen, ...values, ...(condition === "fresh" ? [] : [t(`is_${condition}`)])].join(", ");

  const layerOf = (event: PointerEvent<HTMLElement>) => event.currentTarget.parentElement?.getBoundingClientRect();
  const onPointerDown = (event: PointerEvent<HTMLButtonElement>) => {
    const layer = layerOf(event);
    if (!isMovable || layer === undefined || (event.pointerType === "mouse" && event.button !== 0)) return;
    // The plan below stays where it is.
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    hold.current = {
      x: layer.left + device.x * layer.width - event.clientX,
      y: layer.top + device.y * layer.height - event.clientY,
      hasMoved: false,
    };
  };
  const onPointerMove = (event: PointerEvent<HTMLButtonElement>) => {
    const layer = layerOf(event);
    if (hold.current === null || layer === undefined) return;
    hold.current.hasMoved = true;
    const [x, y] = [event.clientX + hold.current.x - layer.left, event.clientY + hold.current.y - layer.top];
    onMove(device, stepped({ x: x / layer.width, y: y / layer.height }, 0, 0), false);
  };
  const onPointerUp = () => {
    const hasMoved = hold.current?.hasMoved ?? false;
    hold.current = null;
    if (hasMoved) onMove(device, { x: device.x, y: device.y }, true);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLButtonElement>) => {
    const step = STEPS[event.key];
    if (!isMovable || step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const length = event.shiftKey ? FINE_STEP : STEP;
    onMove(device, stepped(device, step[0] * length, step[1] * length), true);
  };
  return (
    <button
      type="button"
      className={classes["marker"]}
      style={{ left: percent(device.x), top: percent(device.y) }}
      data-condition={condition}
      data-movable={isMovable || undefined}
      aria-pressed={isSelected}
      aria-label={words}
      aria-describedby={isMovable ? "plan-arrange" : undefined}
      onClick={() => {
        onSelect(device);
      }}
      onFocus={() => {
        onFocus(device);
      }}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
    >
      <span className={classes["sign"]}>
        <Sign condition={condition} />
      </span>
      <span className={classes["label"]}>
        <span className={classes["name"]}>{device.name}</span>{" "}
        {first !== undefined && <span className="sn-num">{spoken(first, i18n.language)}</span>}
      </span>
    </button>
  );
});
