/** The frame around every page of a signed-in person. */
import { Outlet, useRouteContext } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CommandPalette } from "./CommandPalette";
import { KeyHelp } from "./KeyHelp";
import { Navigation } from "./Navigation";
import { OfflineNotice } from "./OfflineNotice";
import classes from "./Shell.module.css";
import { useShortcut, useShortcutKeys } from "./shortcuts";
import { TopBar } from "./TopBar";

const content = "content";

/** Top bar, navigation, and the page between them. */
export function Shell() {
  const { t } = useTranslation();
  const session = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  const [keysShown, setKeysShown] = useState(false);
  const [serverReachable, setServerReachable] = useState(true);
  const showKeys = () => {
    setKeysShown(true);
  };
  useShortcutKeys();
  useShortcut("?", t("keys.help"), showKeys, "anywhere");
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
      <TopBar session={session} onReachable={setServerReachable} />
      <OfflineNotice serverReachable={serverReachable} />
      <div className={classes["columns"]}>
        <Navigation />
        <main id={content} tabIndex={-1} className={classes["content"]}>
          <Outlet />
        </main>
      </div>
      <CommandPalette onShowKeys={showKeys} />
      <KeyHelp
        opened={keysShown}
        onClose={() => {
          setKeysShown(false);
        }}
      />
    </>
  );
}
