/**
 * A plan in a frame: dragged, pinched, zoomed with the wheel or the buttons. What stands on it is given as children, which are
 * placed by percent of the plan and keep their own size.
 */
import { ActionIcon } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { Maximize, Minus, Plus } from "lucide-react";
import { type PointerEvent, type ReactNode, type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PlanOfPlace } from "@/api/queries";
import classes from "./place.module.css";
import { lengthIn, scaleBar } from "./scale";
import { clamped, fit, fractionAt, pinched, type Point, revealing, type View, zoomed } from "./view";

/** What others ask of the frame. */
export interface PlanHandle {
  /** The point of the plan in the middle of what is seen, in fractions. */
  middle: () => Point;
  /** Moves the plan, if need be, so that a point is in sight. */
  reveal: (point: Point) => void;
}

/** Properties of {@link PlanView}. */
export interface PlanViewProps {
  ref: Ref<PlanHandle>;
  address: string;
  alt: string;
  plan: PlanOfPlace;
  /** Whether there are more things on it than have room for their names. */
  isCrowded: boolean;
  children: ReactNode;
}

const STEP = 1.5;
/** A finger or a mouse that moved by less has clicked. */
const CLICK = 4;
const BAR = 120;
/** So much closer than the whole plan, names have room. */
const NEAR = 2;

/** The frame. */
export function PlanView({ ref, address, alt, plan, isCrowded, children }: PlanViewProps) {
  const { t, i18n } = useTranslation("places");
  const { ref: measure, width, height } = useElementSize<HTMLDivElement>();
  const outer = useRef<HTMLDivElement>(null);
  const fingers = useRef(new Map<number, Point>());
  const started = useRef<Point | null>(null);
  // Null is the whole plan, also when the window changes.
  const [chosen, setChosen] = useState<View | null>(null);
  const frame = { width, height };
  const whole = fit(plan, frame);
  const view = chosen === null ? whole : clamped(chosen, plan, frame);

  const at = ({ clientX, clientY }: { clientX: number; clientY: number }): Point => {
    const box = outer.current?.getBoundingClientRect();
    return { x: clientX - (box?.left ?? 0), y: clientY - (box?.top ?? 0) };
  };
  const zoom = (factor: number, point: Point = { x: width / 2, y: height / 2 }) => {
    setChosen((now) => zoomed(now ?? whole, factor, point, plan, frame));
  };
  useImperativeHandle(ref, () => ({
    middle: () => fractionAt(view, { x: width / 2, y: height / 2 }, plan),
    reveal: (point) => {
      const moved = revealing(view, point, plan, frame);
      if (moved.x !== view.x || moved.y !== view.y) setChosen(moved);
    },
  }));

  const onWheel = useEffectEvent((event: WheelEvent) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 0 ? 0.002 : 0.05)), at(event));
  });
  useEffect(() => {
    const element = outer.current;
    const listen = (event: WheelEvent) => {
      onWheel(event);
    };
    // React's own listener may not keep the page from scrolling.
    element?.addEventListener("wheel", listen, { passive: false });
    return () => {
      element?.removeEventListener("wheel", listen);
    };
  }, []);

  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    fingers.current.set(event.pointerId, at(event));
    started.current = at(event);
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const before = fingers.current.get(event.pointerId);
    if (before === undefined) return;
    const now = at(event);
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    const from = started.current;
    if (other === undefined && from !== null && Math.hypot(now.x - from.x, now.y - from.y) < CLICK) return;
    started.current = null;
    // From here on it is no click on what is below.
    event.currentTarget.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, now);
    setChosen((seen) => {
      const shown = seen ?? whole;
      if (other !== undefined) return pinched(shown, [before, other], [now, other], plan, frame);
      return clamped({ ...shown, x: shown.x + now.x - before.x, y: shown.y + now.y - before.y }, plan, frame);
    });
  };
  const onPointerEnd = ({ pointerId }: PointerEvent<HTMLDivElement>) => {
    fingers.current.delete(pointerId);
  };

  const { metres_per_pixel } = plan;
  const bar = metres_per_pixel === null || width === 0 ? null : scaleBar(metres_per_pixel / view.scale, BAR);
  const barLength = bar === null ? null : lengthIn(bar.metres);
  return (
    <div className={classes["frame"]} ref={measure}>
      <div
        ref={outer}
        className={classes["pane"]}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerEnd}
        onPointerCancel={onPointerEnd}
        onPointerLeave={onPointerEnd}
      >
        <div
          className={classes["layer"]}
          data-names={!isCrowded || view.scale > whole.scale * NEAR || undefined}
          style={{
            transform: `translate(${view.x}px, ${view.y}px)`,
            width: plan.width * view.scale,
            height: plan.height * view.scale,
          }}
        >
          <img src={address} alt={alt} draggable={false} />
          {children}
        </div>
      </div>
      <div className={classes["zoom"]}>
        <ActionIcon
          variant="default"
          aria-label={t("zoomIn")}
          onClick={() => {
            zoom(STEP);
          }}
        >
          <Plus size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label={t("zoomOut")}
          onClick={() => {
            zoom(1 / STEP);
          }}
        >
          <Minus size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label={t("zoomAll")}
          onClick={() => {
            setChosen(null);
          }}
        >
          <Maximize size={16} aria-hidden />
        </ActionIcon>
      </div>
      {bar !== null && barLength !== null && (
        <div className={`sn-num ${classes["bar"] ?? ""}`} style={{ width: bar.pixels }}>
          {new Intl.NumberFormat(i18n.language).format(barLength.value)} {barLength.unit}
        </div>
      )}
    </div>
  );
}
