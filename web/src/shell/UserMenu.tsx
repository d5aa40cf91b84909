/** Who is signed in, the look of the page, and the way out. */
import { type MantineColorScheme, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { LogOut } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, sentenceOf } from "@/api/client";
import type { Session } from "@/api/queries";
import { looks } from "./colorScheme";
import { toast } from "./toast";

async function signOut() {
  try {
    await api.DELETE("/api/v1/session");
    // A fresh start drops everything that this tab holds of the account.
    globalThis.location.assign("/login");
  } catch (error) {
    void toast(sentenceOf(error), "red");
  }
}

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
