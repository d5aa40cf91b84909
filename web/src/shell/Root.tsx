/** Around every page, signed in or not: the tab's title. */
import { Outlet, useMatches } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { TitledNamespace } from "@/app/router";

function usePageTitle() {
  const namespace = useMatches({
    select: (matches) => matches.findLast((match) => match.staticData.title !== undefined)?.staticData.title,
  });
  const { t, i18n } = useTranslation();
  useEffect(() => {
    const name = namespace === undefined ? undefined : titleOf(namespace);
    document.title = name === undefined ? t("product") : t("title", { page: name });
    function titleOf(of: TitledNamespace): string | undefined {
      return i18n.hasLoadedNamespace(of) ? i18n.t(`${of}:title`) : undefined;
    }
  });
}

/** The outermost component. */
export function Root() {
  usePageTitle();
  return <Outlet />;
}
