/** The frame around every page of a signed-in person. Dialogs are fetched when they are first wanted. */
import { useHotkeys } from "@mantine/hooks";
import { Outlet, useMatches, useRouteContext } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { DiskNotice } from "./DiskNotice";
import { Navigation } from "./Navigation";
import { OfflineNotice } from "./OfflineNotice";
import { isFor } from "./places";
import classes from "./Shell.module.css";
import { useShortcut, useShortcutKeys } from "./shortcuts";
import { TopBar } from "./TopBar";

const CommandPalette = lazy(() => import("./CommandPalette"));
const KeyHelp = lazy(() => import("./KeyHelp"));
const NotForGuests = lazy(() => import("./NotForGuests"));

const content = "content";

/** Top bar, navigation, and the page between them. */
export function Shell() {
  const { t } = useTranslation();
  const session = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  // Of the page that is shown, not of one that is on its way and may lead elsewhere.
  const isForThem = useMatches({ select: (matches) => isFor(session.user.role, matches.at(-1)?.pathname ?? "/") });
  const [keys, setKeys] = useState<"never" | "shown" | "closed">("never");
  const [searches, setSearches] = useState(0);
  const [serverReachable, setServerReachable] = useState(true);
  const showKeys = () => {
    setKeys("shown");
  };
  const search = () => {
    setSearches((count) => count + 1);
  };
  useShortcutKeys();
  useShortcut("?", t("keys.help"), showKeys, "anywhere");
  useShortcut("/", t("keys.search"), search, "anywhere");
  // Also from within a field, where single keys are text.
  useHotkeys([["mod+K", search]], []);
  return (
    <>
      <a
        className={classes["skip"]}
        href={`#${content}`}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById(content)?.focus();
        }}
      >
        {t("skip")}
      </a>
      <TopBar session={session} onReachable={setServerReachable} onSearch={search} />
      <OfflineNotice serverReachable={serverReachable} />
      <DiskNotice />
      <div className={classes["columns"]}>
        <Navigation role={session.user.role} />
        <main id={content} tabIndex={-1} className={classes["content"]}>
          {isForThem ? (
            <Outlet />
          ) : (
            <Suspense>
              <NotForGuests />
            </Suspense>
          )}
        </main>
      </div>
      <Suspense>
        {searches > 0 && <CommandPalette role={session.user.role} opening={searches} onShowKeys={showKeys} />}
        {keys !== "never" && (
          <KeyHelp
            opened={keys === "shown"}
            onClose={() => {
              setKeys("closed");
            }}
          />
        )}
      </Suspense>
    </>
  );
}
