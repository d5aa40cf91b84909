/** Keeps one uPlot in an element: made anew when its look changes, fed when its data change, resized with its place. */
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from "react";
import uPlot from "uplot";
import type { Palette } from "@/theme/usePalette";
import type { Aligned } from "./align";
import { bindTouch, type TouchBinding } from "./gestures";
import { type ChartEvents, type ChartLook, plotOptions } from "./options";

interface Made {
  plot: uPlot;
  touch: TouchBinding;
}

/** What a chart does with its plot from the keyboard. */
export interface PlotHandle {
  /** Puts the cursor on a row; null takes it away. */
  point(row: number | null): void;
  /** The span of time shown. */
  span(): [number, number] | null;
  /** First and last row shown. */
  rows(): [number, number] | null;
}

export function usePlot(
  place: RefObject<HTMLElement | null>,
  look: ChartLook,
  palette: Palette,
  height: number,
  data: Aligned,
  span: readonly [number, number] | null,
  events: ChartEvents,
): PlotHandle {
  const made = useRef<Made | null>(null);
  const width = useWidth(place);
  const onCursor = useEffectEvent(events.onCursor);
  const onZoom = useEffectEvent(events.onZoom);
  const onReset = useEffectEvent(events.onReset);
  const feed = useEffectEvent((plot: uPlot) => {
    feedPlot(plot, data, span);
  });
  const sized = width > 0;
  const lookKey = JSON.stringify(look);

  useEffect(() => {
    const element = place.current;
    if (element === null || !sized) return;
    const zoom = {
      onZoom: (from: number, to: number) => {
        onZoom(from, to);
      },
      onReset: () => {
        onReset();
      },
    };
    const cursor = {
      onCursor: (row: number | null) => {
        onCursor(row);
      },
    };
    const wishes = JSON.parse(lookKey) as ChartLook;
    const options = plotOptions({ width: element.clientWidth, height }, wishes, palette, { ...zoom, ...cursor });
    const plot = new uPlot(options, [[], ...wishes.series.map(() => [])], element);
    feed(plot);
    const touch = bindTouch(plot, zoom);
    made.current = { plot, touch };
    return () => {
      touch.unbind();
      plot.destroy();
      made.current = null;
    };
  }, [place, lookKey, palette, sized, height]);

  useEffect(() => {
    if (width > 0) made.current?.plot.setSize({ width, height });
  }, [width, height]);

  const from = span?.[0];
  const to = span?.[1];
  useEffect(() => {
    if (made.current !== null && !made.current.touch.isPinching()) feed(made.current.plot);
  }, [data, from, to]);

  return {
    point: (row) => {
      const plot = made.current?.plot;
      const time = row === null ? undefined : plot?.data[0][row];
      plot?.setCursor(time === undefined ? { left: -10, top: -10 } : { left: plot.valToPos(time, "x"), top: 0 });
    },
    span: () => {
      const { min, max } = made.current?.plot.scales["x"] ?? {};
      return min === undefined || max === undefined ? null : [min, max];
    },
    rows: () => {
      const plot = made.current?.plot;
      const { min, max } = plot?.scales["x"] ?? {};
      if (plot === undefined || min === undefined || max === undefined || plot.data[0].length === 0) return null;
      return [plot.valToIdx(min), plot.valToIdx(max)];
    },
  };
}

function feedPlot(plot: uPlot, data: Aligned, span: readonly [number, number] | null): void {
  const { times, columns } = data;
  const first = span?.[0] ?? times[0] ?? 0;
  const last = span?.[1] ?? times.at(-1) ?? 1;
  plot.batch(() => {
    plot.setData([times, ...columns] as uPlot.AlignedData, false);
    plot.setScale("x", { min: first, max: last > first ? last : first + 1000 });
  });
}

function useWidth(place: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [place]);
  return width;
}
