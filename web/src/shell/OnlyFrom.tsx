/** Around a page that is not for everybody: others are told so instead of an error. The server decides all the same. */
import { useRouteContext } from "@tanstack/react-router";
import { ShieldX } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { isAtLeast } from "@/api/roles";
import { EmptyState } from "./EmptyState";

/** Properties of {@link OnlyFrom}. */
export interface OnlyFromProps {
  /** The least role that may use the page. */
  least: "viewer" | "editor" | "administrator";
  children: ReactNode;
}

/** Shows its children to those who may see them. */
export function OnlyFrom({ least, children }: OnlyFromProps) {
  const { t } = useTranslation();
  const { user, organisation } = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  if (isAtLeast(user.role, least)) return children;
  return (
    <EmptyState
      order={1}
      icon={ShieldX}
      title={t(`restricted.${least}`)}
      description={t("restricted.body", { organisation: organisation.name })}
    />
  );
}
