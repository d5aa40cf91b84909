/** Links to the pages: a side bar on a desktop, a bar at the bottom of a phone. */
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import classes from "./Navigation.module.css";
import { places } from "./places";

/** The main navigation; CSS decides where it stands. */
export function Navigation() {
  const { t } = useTranslation();
  return (
    <nav className={classes["nav"]} aria-label={t("nav.label")}>
      <ul>
        {places.map(({ to, name, icon: Icon }) => (
          <li key={to}>
            <Link to={to} activeOptions={{ exact: to === "/", includeSearch: false }} className={classes["link"]}>
              <Icon size={18} strokeWidth={1.75} aria-hidden />
              <span>{t(`nav.${name}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
