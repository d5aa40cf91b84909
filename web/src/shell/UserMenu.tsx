/** Who is signed in, the look of the page, and the way out. */
import { type MantineColorScheme, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { LogOut, UserRoundCog } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Session } from "@/api/queries";
import { looks } from "./colorScheme";
import { signOut } from "./signOut";

/** Properties of {@link UserMenu}. */
export interface UserMenuProps {
  session: Session;
  opened: boolean;
  onChange: (opened: boolean) => void;
  /** The button that opens it. */
  children: ReactNode;
}

/** The menu at the right end of the top bar; `AccountButton` fetches it when it is first wanted. */
export default function UserMenu({ session, opened, onChange, children }: UserMenuProps) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { login, role } = session.user;
  return (
    <Menu
      position="bottom-end"
      width={220}
      // In the top bar, so that the menu belongs to a landmark.
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      opened={opened} onChange={onChange}>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text c="var(--sn-text)" fw={600} truncate>
            {login}
          </Text>
          {t(`user.role.${role}`, { defaultValue: role })} · {session.organisation.name}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item component={Link} to="/account" leftSection={<UserRoundCog size={16} aria-hidden />}>
          {t("nav.account")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t("user.look")}</Menu.Label>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(look) => {
            setColorScheme(look as MantineColorScheme);
          }}
        >
          {looks.map(({ value }) => (
            <Menu.RadioItem key={value} value={value}>
              {t(`user.${value}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => void signOut()}>
          {t("user.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
