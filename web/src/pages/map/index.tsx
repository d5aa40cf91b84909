/** Where places and devices are: a map of the world, and beside it a list of those in sight. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouteContext, useRouter, useSearch } from "@tanstack/react-router";
import { MapPinned } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { locatedDevicesQuery, placesQuery } from "@/api/queries";
import { isGuest } from "@/api/roles";
import { type Located, textOf, viewOf } from "@/map/view";
import { PlainState } from "@/pages/devices/State";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import classes from "./map.module.css";
import { validateSearch } from "./search";

const WorldMap = lazy(() => import("@/map/WorldMap"));

/** The list names so many; the others are on the map. */
const LISTED = 100;

/** The page `/map`. */
export default function MapPage() {
  const { t } = useTranslation("map");
  const { at } = validateSearch({ ...useSearch({ from: "/signed-in/map" }) });
  const seesOnlyShared = useRouteContext({ from: "/signed-in", select: (context) => isGuest(context.session.user.role) });
  const router = useRouter();
  const navigate = useNavigate({ from: "/map" });
  const devices = useQuery(locatedDevicesQuery);
  const [sight, setSight] = useState<{ contains: (point: Located) => boolean } | null>(null);
  const places = useQuery(placesQuery);
  const points = useMemo(() => {
    const located = (places.data ?? []).flatMap(({ id, name, kind, location }) =>
      location === null ? [] : [{ href: `/places/${id}`, name, isPlace: true, kind, note: null, ...location }],
    );
    const standing = (devices.data?.devices ?? []).flatMap(({ id, name, enabled, location }) => {
      const note = enabled ? null : t("disabled");
      return location === null ? [] : [{ href: `/devices/${id}`, name, isPlace: false, kind: null, note, ...location }];
    });
    return [...located, ...standing];
  }, [places.data, devices.data, t]);
  // Both, so that the map does not begin with half of what there is.
  const isLoaded = devices.data !== undefined && places.data !== undefined;
  // All of them until the map says what it shows; in a browser that draws none, it stays so.
  const seen = useMemo(() => (sight === null ? points : points.filter((point) => sight.contains(point))), [points, sight]);
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")} />
      <FormFailure error={devices.error ?? places.error} />
      {(devices.isPending || places.isPending) && <Loading />}
      {isLoaded && points.length === 0 && (
        <EmptyState icon={MapPinned} title={t("none")} description={t(seesOnlyShared ? "noneGuest" : "noneWhy")}>
          <Link to="/places">{t("places")}</Link>
          <Link to="/devices">{t("devices")}</Link>
        </EmptyState>
      )}
      {devices.data?.isCut === true && <Text c="dimmed">{t("cut")}</Text>}
      {isLoaded && points.length > 0 && (
        <div className={classes["columns"]}>
          <div className={classes["map"]}>
            <Suspense fallback={<Loading />}>
              <WorldMap
                label={t("label")}
                points={points}
                view={viewOf(at)}
                onView={(view, contains) => {
                  setSight({ contains });
                  // Not while another page is on its way: the map still moves then, and would call it back.
                  const isHere = router.latestLocation.pathname === router.state.location.pathname;
                  if (isHere && textOf(view) !== at) void navigate({ search: { at: textOf(view) }, replace: true, resetScroll: false });
                }}
                onOpen={(href) => void navigate({ to: href })}
              />
            </Suspense>
          </div>
          <section className={`sn-panel ${classes["list"] ?? ""}`} aria-labelledby="in-sight">
            <h2 id="in-sight">
              {t("inSight", { count: seen.length })}
            </h2>
            <ul>
              {seen.slice(0, LISTED).map(({ href, name, kind, note }) => (
                <li key={href}>
                  <Link to={href}>{name}</Link>
                  {kind !== null && <span className="sn-dim">{t(`kind_${kind}`)}</span>}
                  {note !== null && <PlainState enabled={false} word={note} />}
                </li>
              ))}
            </ul>
            {seen.length > LISTED && <Text c="dimmed">{t("listed", { count: LISTED })}</Text>}
          </section>
        </div>
      )}
    </div>
  );
}
