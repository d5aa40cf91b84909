/** Sets the scale of a plan: a line over a known distance, drawn or moved by its ends, and how long it is. */
import { Button, Group, Text, TextInput } from "@mantine/core";
import { type KeyboardEvent, type PointerEvent, type SubmitEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Place, PlanOfPlace } from "@/api/queries";
import { Conflict } from "@/pages/places/Conflict";
import { usePlaceChange } from "@/pages/places/usePlaceChange";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import classes from "./place.module.css";
import { metresPerPixel } from "./scale";
import { type Point, stepped } from "./view";

/** A line on the plan, in fractions. */
export type Line = readonly [Point, Point];

/** The line that one begins with: across the middle. */
export const FIRST_LINE: Line = [
  { x: 0.25, y: 0.5 },
  { x: 0.75, y: 0.5 },
];

/** Properties of {@link ScaleLine}. */
export interface ScaleLineProps {
  line: Line;
  onChange: (line: Line) => void;
}

const STEPS: Record<string, [right: number, down: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The line on the plan. */
export function ScaleLine({ line, onChange }: ScaleLineProps) {
  const { t } = useTranslation("places");
  const held = useRef<0 | 1 | null>(null);
  const [one, other] = line;
  const at = (event: PointerEvent<HTMLElement>, layer: Element | null): Point => {
    const box = layer?.getBoundingClientRect();
    if (box === undefined) return one;
    return stepped({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height }, 0, 0);
  };
  const moved = (end: 0 | 1, to: Point): Line => (end === 0 ? [to, other] : [one, to]);
  const begin = (event: PointerEvent<HTMLElement>, end: 0 | 1 | null) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    if (end === null) {
      const start = at(event, event.currentTarget);
      onChange([start, start]);
    }
    held.current = end ?? 1;
  };
  const go = (event: PointerEvent<HTMLElement>, layer: Element | null) => {
    if (held.current !== null) onChange(moved(held.current, at(event, layer)));
  };
  const stop = () => {
    held.current = null;
  };
  const onKeyDown = (event: KeyboardEvent, end: 0 | 1) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const length = event.shiftKey ? 0.001 : 0.01;
    onChange(moved(end, stepped(line[end], step[0] * length, step[1] * length)));
  };
  return (
    <div
      className={classes["scaleLine"]}
      onPointerDown={(event) => {
        begin(event, null);
      }}
      onPointerMove={(event) => {
        go(event, event.currentTarget);
      }}
      onPointerUp={stop}
      onPointerCancel={stop}
    >
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden>
        <line x1={one.x} y1={one.y} x2={other.x} y2={other.y} vectorEffect="non-scaling-stroke" />
      </svg>
      {([0, 1] as const).map((end) => (
        <button
          key={end}
          type="button"
          className={classes["end"]}
          style={{ left: `${line[end].x * 100}%`, top: `${line[end].y * 100}%` }}
          aria-label={t(end === 0 ? "lineStart" : "lineEnd")}
          aria-describedby="plan-scale"
          onKeyDown={(event) => {
            onKeyDown(event, end);
          }}
          onPointerDown={(event) => {
            begin(event, end);
          }}
          onPointerMove={(event) => {
            go(event, event.currentTarget.parentElement);
            event.stopPropagation();
          }}
          onPointerUp={stop}
          onPointerCancel={stop}
        />
      ))}
    </div>
  );
}

/** Properties of {@link ScaleForm}. */
export interface ScaleFormProps {
  place: Place;
  plan: PlanOfPlace;
  line: Line;
  onDone: () => void;
}

/** How long the line is. */
export function ScaleForm({ place, plan, line, onDone }: ScaleFormProps) {
  const { t } = useTranslation(["places", "common"]);
  const [metres, setMetres] = useState("");
  const [isWrong, setWrong] = useState(false);
  const { send, isPending, error, conflict } = usePlaceChange<number | null>({
    place,
    request: ({ id, version }, metres_per_pixel) =>
      api.PATCH("/api/v1/places/{id}", { params: { path: { id } }, body: { version, metres_per_pixel } }),
    onDone: () => {
      onDone();
      void toast(t("scaleSet"));
    },
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const scale = metresPerPixel(line[0], line[1], plan, metres);
    setWrong(scale === null);
    if (scale !== null) send(scale);
  };
  return (
    <form noValidate className={`sn-panel ${classes["tool"] ?? ""}`} onSubmit={submit} aria-label={t("scale")}>
      <Text id="plan-scale">{t("scaleHow")}</Text>
      {conflict !== null && <Conflict {...conflict} />}
      <Group gap="sm" align="end">
        <TextInput
          label={t("metres")}
          inputMode="decimal"
          autoComplete="off"
          value={metres}
          error={isWrong ? t("metresWrong") : null}
          onChange={(event) => {
            setMetres(event.currentTarget.value);
          }}
        />
        <Button type="submit" loading={isPending}>
          {t(conflict === null ? "save" : "saveAnyway")}
        </Button>
        {plan.metres_per_pixel !== null && (
          <Button
            variant="default"
            onClick={() => {
              send(null);
            }}
          >
            {t("scaleForget")}
          </Button>
        )}
        <Button variant="default" onClick={onDone}>
          {t("common:cancel")}
        </Button>
      </Group>
      <FormFailure error={error} />
    </form>
  );
}
