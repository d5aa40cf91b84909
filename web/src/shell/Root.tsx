/** Around every page, signed in or not: the tab's title. */
import { Outlet, useMatches } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

function usePageTitle() {
  const namespace = useMatches({
    select: (matches) => matches.findLast((match) => match.staticData.title !== undefined)?.staticData.title,
  });
  // Draws again when the page's text has arrived, which may be after the page's code.
  const { t, ready } = useTranslation(["common", ...(namespace === undefined ? [] : [namespace])], {
    useSuspense: false,
  });
  const name = namespace === undefined || !ready ? undefined : t(`${namespace}:title`);
  const title = name === undefined ? t("common:product") : t("common:title", { page: name });
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** The outermost component. */
export function Root() {
  usePageTitle();
  return <Outlet />;
}
