/**
 * Countries that lie across the 180th meridian, for a flat map. The atlas has them on a globe, where a line from 179 to -179 degrees
 * is short; here it would cross the world. Lines go on beyond 180 degrees instead, which MapLibre draws at both ends of the map.
 */
import type { FeatureCollection, Position } from "geojson";

const POLE = 90;

/** A closed line without jumps. One that goes round the world, as Antarctica's, is closed along its pole. */
export function unwrapped(ring: readonly Position[]): Position[] {
  const result: Position[] = [];
  let before = Number.NaN;
  for (const [longitude = 0, latitude = 0] of ring) {
    const turns = Number.isNaN(before) ? 0 : Math.round((before - longitude) / 360);
    before = longitude + turns * 360;
    result.push([before, latitude]);
  }
  const [first, last] = [result[0], result.at(-1)];
  if (first?.[0] === undefined || last?.[0] === undefined || Math.abs(first[0] - last[0]) < 180) return result;
  const pole = (first[1] ?? 0) < 0 ? -POLE : POLE;
  return [...result, [last[0], pole], [first[0], pole], first];
}

/** All of them. */
export function flattened(countries: FeatureCollection): FeatureCollection {
  return {
    ...countries,
    features: countries.features.map((country) => {
      const { geometry } = country;
      if (geometry.type === "Polygon") {
        return { ...country, geometry: { ...geometry, coordinates: geometry.coordinates.map(unwrapped) } };
      }
      if (geometry.type !== "MultiPolygon") return country;
      const coordinates = geometry.coordinates.map((polygon) => polygon.map(unwrapped));
      return { ...country, geometry: { ...geometry, coordinates } };
    }),
  };
}
