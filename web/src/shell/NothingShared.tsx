/** What a guest sees while no group shares anything with them. */
import { useRouteContext } from "@tanstack/react-router";
import { Share2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "./EmptyState";

/** Says so, and whom to ask. */
export function NothingShared() {
  const { t } = useTranslation();
  const organisation = useRouteContext({ from: "/signed-in", select: (context) => context.session.organisation.name });
  return <EmptyState icon={Share2} title={t("shared.none")} description={t("shared.noneWhy", { organisation })} />;
}
