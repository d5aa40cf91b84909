/** Which part of the world a map shows, and how that stands in an address: `48.2,16.4,7`. */

/** The middle of a map in degrees, and how close it is: 0 is the whole world, each step twice as close. */
export interface View {
  latitude: number;
  longitude: number;
  zoom: number;
}

/** Something that has a place in the world. */
export interface Located {
  latitude: number;
  longitude: number;
}

export const MIN_ZOOM = 0;
export const MAX_ZOOM = 14;
/** As close as one point is shown by itself. */
const ALONE_ZOOM = 6;
/** Mercator's map ends here. */
const MAX_LATITUDE = 85;

/** The whole world. */
export const WORLD: View = { latitude: 20, longitude: 10, zoom: 1 };

/** Reads a view; null for what is none. */
export function viewOf(text: unknown): View | null {
  if (typeof text !== "string") return null;
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const [latitude = Number.NaN, longitude = Number.NaN, zoom = Number.NaN] = numbers;
  const isView = numbers.length === 3 && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && zoom >= MIN_ZOOM && zoom <= MAX_ZOOM;
  return isView ? { latitude, longitude, zoom } : null;
}

/** A longitude between -180 and 180, also after somebody went round the world. */
export function wrapped(longitude: number): number {
  return ((((longitude + 180) % 360) + 360) % 360) - 180;
}

/** Writes a view, as exactly as it can be seen. */
export function textOf({ latitude, longitude, zoom }: View): string {
  const digits = Math.max(1, Math.ceil(zoom / 3) + 1);
  return [latitude.toFixed(digits), wrapped(longitude).toFixed(digits), zoom.toFixed(1)].map(Number).join(",");
}

/** A view with all points in it, for a map of so many pixels; the whole world without any. */
export function around(points: readonly Located[], width: number, height: number): View {
  if (points.length === 0) return WORLD;
  let [south, north, west, east] = [90, -90, 180, -180];
  for (const { latitude, longitude } of points) {
    south = Math.min(south, latitude);
    north = Math.max(north, latitude);
    west = Math.min(west, longitude);
    east = Math.max(east, longitude);
  }
  const mercator = (latitude: number) => {
    const angle = (Math.max(-MAX_LATITUDE, Math.min(MAX_LATITUDE, latitude)) * Math.PI) / 180;
    return Math.log(Math.tan(Math.PI / 4 + angle / 2)) / (2 * Math.PI);
  };
  // The world is 512 pixels wide at zoom 0; a fifth is left around the points.
  const wide = ((east - west) / 360) * 512 * 1.25;
  const high = (mercator(north) - mercator(south)) * 512 * 1.25;
  const zoom = Math.min(ALONE_ZOOM, Math.log2(width / Math.max(wide, 1e-9)), Math.log2(height / Math.max(high, 1e-9)));
  return { latitude: (south + north) / 2, longitude: (west + east) / 2, zoom: Math.max(MIN_ZOOM, zoom) };
}

/** Degrees as they are filled in: a metre is the fifth digit. */
export function degrees(value: number): string {
  // Adding 0 makes 0 of -0.
  return String(Number(value.toFixed(5)) + 0);
}
