/** Links to the pages: a side bar on a desktop, a bar at the bottom of a phone. */
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Role } from "@/api/roles";
import { MoreButton } from "./MoreButton";
import classes from "./Navigation.module.css";
import { placesFor } from "./places";

const InboxBadge = lazy(() => import("./InboxBadge"));

/** The main navigation; CSS decides where it stands, and what a phone keeps behind "More". */
export function Navigation({ role }: { role: Role }) {
  const { t } = useTranslation();
  const places = placesFor(role);
  const others = places.filter(({ isFrequent }) => !isFrequent);
  return (
    <nav className={classes["nav"]} aria-label={t("nav.label")}>
      <ul>
        {places.map(({ to, name, icon: Icon, isFrequent }) => (
          <li key={to} data-frequent={isFrequent}>
            <Link to={to} activeOptions={{ exact: to === "/", includeSearch: false }} className={classes["link"]}>
              <Icon size={18} strokeWidth={1.75} aria-hidden />
              <span>{t(`nav.${name}`)}</span>
              {name === "inbox" && (
                <Suspense>
                  <InboxBadge />
                </Suspense>
              )}
            </Link>
          </li>
        ))}
        {others.length > 0 && (
          <li className={classes["more"]}>
            <MoreButton places={others} />
          </li>
        )}
      </ul>
    </nav>
  );
}
