/** The button of the user menu, which is small; the menu itself is fetched when the button is approached. */
import { ActionIcon } from "@mantine/core";
import { CircleUserRound } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Session } from "@/api/queries";

const load = () => import("./UserMenu");
const UserMenu = lazy(load);

/** Opens the user menu. */
export function AccountButton({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(false);
  const [opened, setOpened] = useState(false);
  const button = (
    <ActionIcon
      aria-label={t("user.menu", { login: session.user.login })}
      aria-haspopup="menu"
      aria-expanded={opened}
      onPointerEnter={() => void load()}
      onFocus={() => void load()}
      onClick={() => {
        setWanted(true);
        setOpened((before) => !before);
      }}
    >
      <CircleUserRound size={20} aria-hidden />
    </ActionIcon>
  );
  if (!wanted) return button;
  return (
    <Suspense fallback={button}>
      <UserMenu session={session} opened={opened} onChange={setOpened}>
        {button}
      </UserMenu>
    </Suspense>
  );
}
