/** How long things on a plan are. */
import type { Point, Size } from "./view";

/** The server takes scales up to this one. */
const MOST_METRES_PER_PIXEL = 10_000;

/** How many pixels of the plan are between two points in fractions. */
export function pixelsBetween(one: Point, other: Point, plan: Size): number {
  return Math.hypot((one.x - other.x) * plan.width, (one.y - other.y) * plan.height);
}

/** The scale if a line on the plan is so long; null if it cannot be told from that. */
export function metresPerPixel(one: Point, other: Point, plan: Size, metres: string): number | null {
  const pixels = pixelsBetween(one, other, plan);
  const length = metres.trim() === "" ? Number.NaN : Number(metres.trim().replace(",", "."));
  const scale = length / pixels;
  return pixels >= 1 && length > 0 && scale > 0 && scale <= MOST_METRES_PER_PIXEL ? scale : null;
}

/** The longest round length (1, 2 or 5 and zeros) that is not wider than so many pixels, and how wide it is. */
export function scaleBar(metresPerScreenPixel: number, mostPixels: number): { metres: number; pixels: number } {
  const most = metresPerScreenPixel * mostPixels;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((digit) => digit * power).find((length) => length <= most) ?? power;
  return { metres, pixels: metres / metresPerScreenPixel };
}

/** A length as people say it: metres, or centimetres and kilometres where those are rounder. */
export function lengthIn(metres: number): { value: number; unit: "cm" | "m" | "km" } {
  if (metres >= 1_000) return { value: metres / 1_000, unit: "km" };
  if (metres < 1) return { value: metres * 100, unit: "cm" };
  return { value: metres, unit: "m" };
}
