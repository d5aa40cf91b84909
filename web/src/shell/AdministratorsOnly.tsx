/** Around a page for administrators: others are told so instead of an error. The server decides all the same. */
import { useRouteContext } from "@tanstack/react-router";
import { ShieldX } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { isAdministrator } from "@/api/roles";
import { EmptyState } from "./EmptyState";

/** Shows its children to administrators and owners. */
export function AdministratorsOnly({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const { user, organisation } = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  if (isAdministrator(user.role)) return children;
  return (
    <EmptyState
      order={1}
      icon={ShieldX}
      title={t("restricted.title")}
      description={t("restricted.body", { organisation: organisation.name })}
    />
  );
}
