/**
 * A map of the world without any server of tiles: countries, and points that become clusters where they are close.
 * Points are elements above the map (links and buttons with names), so that keyboards and screen readers reach them.
 * It is fetched when it is first wanted; MapLibre's worker is a file of this server, as the content security policy asks for.
 */
import { ActionIcon, Text } from "@mantine/core";
import { type GeoJSONSource, Map as MapLibre, Marker, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { Minus, Plus } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePalette } from "@/theme/usePalette";
import { countries, FINE_ZOOM } from "./countries";
import { around, type Located, MAX_ZOOM, MIN_ZOOM, type View, wrapped } from "./view";
import classes from "./WorldMap.module.css";

setWorkerUrl(workerUrl);

/** A point with a name. */
export interface MapPoint extends Located {
  /** Its address on this page. */
  href: string;
  name: string;
  /** A site, a building or a floor; else a device. */
  isPlace: boolean;
  /** A word for what is not as it should be. */
  note: string | null;
}

/** Properties of {@link WorldMap}. */
export interface WorldMapProps {
  label: string;
  points: readonly MapPoint[];
  /** What it shows at first; all points without it. */
  view: View | null;
  onView?: (view: View, contains: (point: Located) => boolean) => void;
  onOpen?: (href: string) => void;
  /** The point that is chosen, where one is to be chosen. */
  picked?: Located | null;
  onPick?: (place: Located) => void;
}

const POINTS = "points";
const COUNTRIES = "countries";
const EMPTY = { type: "FeatureCollection" as const, features: [] };

function featuresOf(points: readonly MapPoint[]) {
  return {
    type: "FeatureCollection" as const,
    features: points.map(({ href, name, isPlace, note, latitude, longitude }) => ({
      type: "Feature" as const,
      properties: { href, name, isPlace, note },
      geometry: { type: "Point" as const, coordinates: [longitude, latitude] },
    })),
  };
}

function hasWebGl(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  // A browser has few of them.
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/** The map and its buttons. */
export default function WorldMap(props: WorldMapProps) {
  const { label, points, view, picked } = props;
  const { t } = useTranslation("map");
  const { roles } = usePalette();
  const place = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [isBroken] = useState(() => !hasWebGl());

  const start = useEffectEvent((container: HTMLElement) => {
    const { latitude, longitude, zoom } = view ?? around(points, container.clientWidth, container.clientHeight);
    const style: StyleSpecification = {
      version: 8,
      sources: {
        [COUNTRIES]: { type: "geojson", data: EMPTY },
        [POINTS]: { type: "geojson", data: featuresOf(points), cluster: true, clusterRadius: 44, clusterMaxZoom: MAX_ZOOM - 1 },
      },
      layers: [
        { id: "sea", type: "background", paint: { "background-color": roles.page } },
        { id: "land", type: "fill", source: COUNTRIES, paint: { "fill-color": roles.raised } },
        { id: "borders", type: "line", source: COUNTRIES, paint: { "line-color": roles.hairline, "line-width": 1 } },
        // Unseen: what is shown of the points are elements, but a source without a layer is not loaded.
        { id: "points", type: "circle", source: POINTS, paint: { "circle-radius": 0, "circle-opacity": 0 } },
      ],
    };
    return new MapLibre({
      container,
      style,
      center: [longitude, latitude],
      zoom,
      minZoom: MIN_ZOOM,
      maxZoom: MAX_ZOOM,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      locale: { "Map.Title": label },
    });
  });
  const tellView = useEffectEvent((shown: MapLibre) => {
    const { lat, lng } = shown.getCenter();
    const bounds = shown.getBounds();
    const [west, east] = [bounds.getWest(), bounds.getEast()];
    const contains = ({ latitude, longitude }: Located) => {
      if (latitude < bounds.getSouth() || latitude > bounds.getNorth()) return false;
      return east - west >= 360 || [longitude - 360, longitude, longitude + 360].some((at) => at >= west && at <= east);
    };
    props.onView?.({ latitude: lat, longitude: wrapped(lng), zoom: shown.getZoom() }, contains);
  });
  const open = useEffectEvent((href: string) => {
    props.onOpen?.(href);
  });
  const pick = useEffectEvent((latitude: number, longitude: number) => {
    props.onPick?.({ latitude, longitude: wrapped(longitude) });
  });
  const clusterName = useEffectEvent((count: number) => t("cluster", { count }));

  useEffect(() => {
    const container = place.current;
    if (container === null) return undefined;
    const made = start(container);
    made.touchZoomRotate.disableRotation();
    made.keyboard.disableRotation();
    const markers = new Map<string, Marker>();
    let isFine = false;
    let isGone = false;
    const show = (detail: "rough" | "fine") => {
      countries(detail).then(
        (data) => {
          if (!isGone && (detail === "fine" || !isFine)) void made.getSource<GeoJSONSource>(COUNTRIES)?.setData(data);
        },
        () => {
          // Without countries, points are still where they are.
        },
      );
    };
    const refine = () => {
      if (isFine || made.getZoom() < FINE_ZOOM) return;
      isFine = true;
      show("fine");
    };
    const clusterMarker = (id: number, count: number) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = classes["cluster"] ?? "";
      button.textContent = String(count);
      button.ariaLabel = clusterName(count);
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        const source = made.getSource<GeoJSONSource>(POINTS);
        void source?.getClusterExpansionZoom(id).then((zoom) => {
          const center = markers.get(`cluster ${id}`)?.getLngLat();
          if (!isGone && center !== undefined) made.easeTo({ center, zoom: Math.min(zoom, MAX_ZOOM) });
        });
      });
      return button;
    };
    const pointMarker = ({ href, name, note, isPlace }: Record<string, unknown>) => {
      const link = document.createElement("a");
      link.href = String(href);
      link.className = classes["point"] ?? "";
      link.dataset["kind"] = isPlace === true ? "place" : "device";
      if (typeof note === "string") link.dataset["noted"] = "";
      link.title = typeof note === "string" ? `${String(name)} (${note})` : String(name);
      link.ariaLabel = link.title;
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(String(href));
      });
      return link;
    };
    const draw = () => {
      if (made.getSource(POINTS) === undefined || !made.isSourceLoaded(POINTS)) return;
      const seen = new Set<string>();
      for (const { geometry, properties } of made.querySourceFeatures(POINTS)) {
        if (geometry.type !== "Point") continue;
        const [longitude = 0, latitude = 0] = geometry.coordinates;
        const cluster: unknown = properties["cluster_id"];
        const key = typeof cluster === "number" ? `cluster ${cluster}` : String(properties["href"]);
        // A point at the edge stands in several tiles.
        if (seen.has(key)) continue;
        seen.add(key);
        if (markers.has(key)) continue;
        const element =
          typeof cluster === "number"
            ? clusterMarker(cluster, Number(properties["point_count"]))
            : pointMarker(properties);
        // It would give each one the role of a picture.
        const marker = new Marker({ element }).setLngLat([longitude, latitude]).addTo(made);
        element.removeAttribute("role");
        if (typeof cluster === "number") element.ariaLabel = clusterName(Number(properties["point_count"]));
        markers.set(key, marker);
      }
      for (const [key, marker] of markers) {
        if (seen.has(key)) continue;
        marker.remove();
        markers.delete(key);
      }
    };
    made.on("load", () => {
      show("rough");
      refine();
      setMap(made);
      tellView(made);
    });
    made.on("zoomend", refine);
    made.on("moveend", () => {
      tellView(made);
    });
    made.on("render", draw);
    made.on("click", ({ lngLat }) => {
      pick(lngLat.lat, lngLat.lng);
    });
    return () => {
      isGone = true;
      setMap(null);
      made.remove();
    };
  }, []);

  useEffect(() => {
    void map?.getSource<GeoJSONSource>(POINTS)?.setData(featuresOf(points));
  }, [map, points]);

  useEffect(() => {
    map?.setPaintProperty("sea", "background-color", roles.page);
    map?.setPaintProperty("land", "fill-color", roles.raised);
    map?.setPaintProperty("borders", "line-color", roles.hairline);
  }, [map, roles]);

  const [at, on] = [picked?.latitude, picked?.longitude];
  useEffect(() => {
    if (map === null || at === undefined || on === undefined) return undefined;
    const element = document.createElement("div");
    element.className = classes["picked"] ?? "";
    const marker = new Marker({ element, anchor: "center" }).setLngLat([on, at]).addTo(map);
    element.ariaHidden = "true";
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
    if (!map.getBounds().contains([on, at])) map.jumpTo({ center: [on, at] });
    return () => {
      marker.remove();
    };
  }, [map, at, on]);

  if (isBroken) return <Text c="dimmed">{t("noWebGl")}</Text>;
  return (
    <div className={classes["frame"]} data-picks={props.onPick !== undefined || undefined} data-ready={map !== null || undefined}>
      <div ref={place} className={classes["map"]} />
      <div className={classes["buttons"]}>
        <ActionIcon variant="default" aria-label={t("zoomIn")} onClick={() => map?.zoomIn()}>
          <Plus size={16} aria-hidden />
        </ActionIcon>
        <ActionIcon variant="default" aria-label={t("zoomOut")} onClick={() => map?.zoomOut()}>
          <Minus size={16} aria-hidden />
        </ActionIcon>
      </div>
    </div>
  );
}
