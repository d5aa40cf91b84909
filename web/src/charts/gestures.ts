/**
 * Fingers on a chart: one moves the cursor, two zoom time, a double tap shows everything again. Vertical strokes still
 * scroll the page (`touch-action: pan-y`). uPlot itself knows the mouse only.
 */
import type uPlot from "uplot";

export interface TouchEvents {
  onZoom(from: number, to: number): void;
  onReset(): void;
}

const DOUBLE_TAP_MS = 300;

export interface TouchBinding {
  /** Two fingers are down: the chart's scale is theirs. */
  isPinching(): boolean;
  unbind(): void;
}

export function bindTouch(plot: uPlot, events: TouchEvents): TouchBinding {
  const target = plot.over;
  const fingers = new Map<number, number>();
  let pinch: { min: number; max: number; left: number; right: number } | null = null;
  let lastTap = 0;

  const position = (event: PointerEvent) => event.clientX - target.getBoundingClientRect().left;

  const down = (event: PointerEvent) => {
    if (event.pointerType === "mouse") return;
    fingers.set(event.pointerId, position(event));
    target.setPointerCapture(event.pointerId);
    const [a, b] = [...fingers.values()];
    if (a !== undefined && b !== undefined && fingers.size === 2) {
      const { min, max } = plot.scales["x"] ?? {};
      if (min !== undefined && max !== undefined) {
        pinch = { min, max, left: plot.posToVal(Math.min(a, b), "x"), right: plot.posToVal(Math.max(a, b), "x") };
      }
    } else if (fingers.size === 1) {
      plot.setCursor({ left: position(event), top: 0 });
    }
  };

  const move = (event: PointerEvent) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, position(event));
    const [a, b] = [...fingers.values()];
    if (pinch !== null && a !== undefined && b !== undefined) {
      const span = pinchedRange(pinch, Math.min(a, b), Math.max(a, b), target.clientWidth);
      if (span !== null) plot.setScale("x", { min: span[0], max: span[1] });
    } else if (a !== undefined) {
      plot.setCursor({ left: a, top: 0 });
    }
  };

  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return;
    if (pinch !== null) {
      pinch = null;
      const { min, max } = plot.scales["x"] ?? {};
      if (min !== undefined && max !== undefined) events.onZoom(min, max);
      return;
    }
    if (event.type !== "pointerup") return;
    if (event.timeStamp - lastTap < DOUBLE_TAP_MS) events.onReset();
    lastTap = event.timeStamp;
  };

  target.style.touchAction = "pan-y";
  target.addEventListener("pointerdown", down);
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", up);
  target.addEventListener("pointercancel", up);
  return {
    isPinching: () => pinch !== null,
    unbind: () => {
      target.removeEventListener("pointerdown", down);
      target.removeEventListener("pointermove", move);
      target.removeEventListener("pointerup", up);
      target.removeEventListener("pointercancel", up);
    },
  };
}

/** The span of time that keeps what was under the two fingers under them; null when they are too close to tell. */
export function pinchedRange(
  start: { left: number; right: number },
  leftPx: number,
  rightPx: number,
  widthPx: number,
): [number, number] | null {
  if (rightPx - leftPx < 16 || widthPx <= 0) return null;
  const perPx = (start.right - start.left) / (rightPx - leftPx);
  const from = start.left - leftPx * perPx;
  return [from, from + widthPx * perPx];
}
