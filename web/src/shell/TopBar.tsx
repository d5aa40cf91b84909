/** Product name, search, state of the stream, account. */
import { ActionIcon, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Session } from "@/api/queries";
import { isGuest } from "@/api/roles";
import { AccountButton } from "./AccountButton";
import { Mark } from "./Mark";
import classes from "./TopBar.module.css";

const ConnectionIndicator = lazy(() => import("./ConnectionIndicator"));

const isApple = /Mac|iPhone|iPad/.test(globalThis.navigator.userAgent);

/** Properties of {@link TopBar}. */
export interface TopBarProps {
  session: Session;
  onReachable: (reachable: boolean) => void;
  onSearch: () => void;
}

/** The bar at the top of every page. */
export function TopBar({ session, onReachable, onSearch }: TopBarProps) {
  const { t } = useTranslation();
  return (
    <header className={classes["bar"]}>
      <Link to="/" className={classes["brand"]}>
        <Mark />
        {t("product")}
      </Link>
      <span className={classes["organisation"]}>{session.organisation.name}</span>
      <UnstyledButton className={classes["search"]} onClick={onSearch}>
        <Search size={14} aria-hidden />
        <span>{t("palette.open")}</span>
        <kbd className={classes["key"]}>{isApple ? "⌘ K" : "Ctrl K"}</kbd>
      </UnstyledButton>
      <div className={classes["end"]}>
        {/* It opens the stream, which is not for guests. */}
        {!isGuest(session.user.role) && (
          <Suspense fallback={<VisuallyHidden>{t("connection.connecting")}</VisuallyHidden>}>
            <ConnectionIndicator onReachable={onReachable} />
          </Suspense>
        )}
        <ActionIcon className={classes["searchIcon"]} aria-label={t("palette.open")} onClick={onSearch}>
          <Search size={20} aria-hidden />
        </ActionIcon>
        <AccountButton session={session} />
      </div>
    </header>
  );
}
