/** The last entry of a phone's bottom bar, for the pages that it has no room for. Its menu is fetched when it is approached. */
import { UnstyledButton } from "@mantine/core";
import { useLocation } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Navigation.module.css";
import type { Place } from "./places";

const load = () => import("./MoreMenu");
const MoreMenu = lazy(load);
const InboxBadge = lazy(() => import("./InboxBadge"));

/** Opens a menu of pages. */
export function MoreButton({ places }: { places: readonly Place[] }) {
  const { t } = useTranslation();
  const path = useLocation({ select: (location) => location.pathname });
  const [wanted, setWanted] = useState(false);
  const [opened, setOpened] = useState(false);
  const button = (
    <UnstyledButton
      className={classes["link"] ?? ""}
      aria-haspopup="menu"
      aria-expanded={opened}
      data-current={places.some(({ to }) => path.startsWith(to))}
      onPointerEnter={() => void load()}
      onFocus={() => void load()}
      onClick={() => {
        setWanted(true);
        setOpened((before) => !before);
      }}
    >
      <Ellipsis size={18} strokeWidth={1.75} aria-hidden />
      <span>{t("nav.more")}</span>
      <Suspense>
        <InboxBadge />
      </Suspense>
    </UnstyledButton>
  );
  if (!wanted) return button;
  return (
    <Suspense fallback={button}>
      <MoreMenu places={places} opened={opened} onChange={setOpened}>
        {button}
      </MoreMenu>
    </Suspense>
  );
}
