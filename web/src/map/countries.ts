/** The countries of the world, from Natural Earth; rough ones at first, finer ones when one looks closer. */
import type { FeatureCollection } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { flattened } from "./antimeridian";
import rough from "world-atlas/countries-110m.json?url";
import fine from "world-atlas/countries-50m.json?url";

/** How many details. */
export type Detail = "rough" | "fine";

/** From this zoom on, rough borders look wrong. */
export const FINE_ZOOM = 3.5;

const addresses: Record<Detail, string> = { rough, fine };
const loading = new Map<Detail, Promise<FeatureCollection>>();

async function load(detail: Detail): Promise<FeatureCollection> {
  const response = await fetch(addresses[detail]);
  if (!response.ok) throw new Error(`${addresses[detail]}: ${response.status}`);
  const topology = (await response.json()) as Topology<{ countries: GeometryCollection }>;
  return flattened(feature(topology, topology.objects.countries));
}

/** Fetches them once; after a failure, the next call tries again. */
export function countries(detail: Detail): Promise<FeatureCollection> {
  const known = loading.get(detail);
  if (known !== undefined) return known;
  const made = load(detail);
  loading.set(detail, made);
  made.catch(() => {
    loading.delete(detail);
  });
  return made;
}
