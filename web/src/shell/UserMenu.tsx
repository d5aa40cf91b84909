/** Who is signed in, the look of the page, and the way out. */
import { ActionIcon, Menu, Text, useMantineColorScheme } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Check, CircleUserRound, LogOut } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, sentenceOf } from "@/api/client";
import type { Session } from "@/api/queries";
import { looks } from "./colorScheme";

async function signOut() {
  try {
    await api.DELETE("/api/v1/session");
    // A fresh start drops everything that this tab holds of the account.
    globalThis.location.assign("/login");
  } catch (error) {
    notifications.show({ color: "red", message: sentenceOf(error) });
  }
}

/** The menu at the right end of the top bar. */
export function UserMenu({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { login, role } = session.user;
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon aria-label={t("user.menu", { login })}>
          <CircleUserRound size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text c="var(--sn-text)" fw={600} truncate>
            {login}
          </Text>
          {t(`user.role.${role}`, { defaultValue: role })} · {session.organisation.name}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t("user.look")}</Menu.Label>
        {looks.map(({ value, icon: Icon }) => (
          <Menu.Item
            key={value}
            role="menuitemradio"
            aria-checked={colorScheme === value}
            closeMenuOnClick={false}
            leftSection={<Icon size={16} aria-hidden />}
            rightSection={colorScheme === value ? <Check size={16} aria-hidden /> : null}
            onClick={() => {
              setColorScheme(value);
            }}
          >
            {t(`user.${value}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => void signOut()}>
          {t("user.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
