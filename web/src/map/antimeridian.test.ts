import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { expect, it } from "vitest";
import { flattened, unwrapped } from "./antimeridian";

it("goes on beyond the 180th meridian instead of across the world", () => {
  const ring = [[170, 60], [179, 62], [-175, 65], [170, 60]];
  expect(unwrapped(ring)).toEqual([[170, 60], [179, 62], [185, 65], [170, 60]]);
  expect(unwrapped([[-170, 60], [175, 65], [-170, 60]])).toEqual([[-170, 60], [-185, 65], [-170, 60]]);
  const plain = [[10, 50], [16, 50], [16, 47], [10, 50]];
  expect(unwrapped(plain)).toEqual(plain);
});

it("closes what goes round the world along its pole", () => {
  const ring = [[-120, -70], [0, -72], [120, -75], [-120, -70]];
  expect(unwrapped(ring)).toEqual([[-120, -70], [0, -72], [120, -75], [240, -70], [240, -90], [-120, -90], [-120, -70]]);
});

it("leaves no line across the world in the atlas that comes with the page", () => {
  for (const detail of ["110m", "50m"]) {
    const file = createRequire(import.meta.url).resolve(`world-atlas/countries-${detail}.json`);
    const topology = JSON.parse(readFileSync(file, "utf8")) as Topology<{ countries: GeometryCollection }>;
    const { features } = flattened(feature(topology, topology.objects.countries));
    const rings = features.flatMap(({ geometry }) =>
      geometry.type === "Polygon" ? geometry.coordinates : geometry.type === "MultiPolygon" ? geometry.coordinates.flat() : [],
    );
    expect(rings.length).toBeGreaterThan(200);
    const jumps = rings.flatMap((ring) =>
      ring.slice(1).filter(([longitude = 0, latitude = 0], index) => Math.abs(longitude - (ring[index]?.[0] ?? 0)) > 180 && latitude > -90),
    );
    expect(jumps).toEqual([]);
  }
});
