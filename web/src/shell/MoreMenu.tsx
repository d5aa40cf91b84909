/** The pages behind "More" on a phone; `MoreButton` fetches it when it is first wanted. */
import { Menu } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import InboxBadge from "./InboxBadge";
import type { Place } from "./places";

/** Properties of {@link MoreMenu}. */
export interface MoreMenuProps {
  places: readonly Place[];
  opened: boolean;
  onChange: (opened: boolean) => void;
  /** The button that opens it. */
  children: ReactNode;
}

/** A menu of links above the bottom bar. */
export default function MoreMenu({ places, opened, onChange, children }: MoreMenuProps) {
  const { t } = useTranslation();
  return (
    <Menu
      position="top-end"
      width={200}
      // In the navigation, so that the menu belongs to a landmark.
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      opened={opened}
      onChange={onChange}
    >
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        {places.map(({ to, name, icon: Icon }) => (
          <Menu.Item key={to} component={Link} to={to} leftSection={<Icon size={16} aria-hidden />} rightSection={name === "inbox" && <InboxBadge />}>
            {t(`nav.${name}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
