/** The keyboard's cursor on a chart: which row a key leads to. */

export type KeyTarget = { readonly row: number } | "reset" | "zoomIn" | "zoomOut" | null;

/**
 * Arrows go to the next row, with shift ten rows; page keys a tenth of what is shown; Home and End to its ends; plus and
 * minus zoom around the cursor; Escape shows everything again. Null: the key means nothing here.
 */
export function keyTarget(key: string, shift: boolean, row: number | null, first: number, last: number): KeyTarget {
  const at = row ?? last;
  const page = Math.max(1, Math.round((last - first) / 10));
  const to = (target: number) => ({ row: Math.min(last, Math.max(first, target)) });
  switch (key) {
    case "ArrowLeft":
      return to(at - (shift ? 10 : 1));
    case "ArrowRight":
      return to(at + (shift ? 10 : 1));
    case "PageUp":
      return to(at + page);
    case "PageDown":
      return to(at - page);
    case "Home":
      return to(first);
    case "End":
      return to(last);
    case "+":
    case "=":
      return "zoomIn";
    case "-":
      return "zoomOut";
    case "Escape":
      return "reset";
    default:
      return null;
  }
}

/** Half or twice the span around a moment, within the data. */
export function zoomed(from: number, to: number, around: number, factor: number): [number, number] {
  return [around - (around - from) * factor, around + (to - around) * factor];
}
