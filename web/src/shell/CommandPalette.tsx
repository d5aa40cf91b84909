/** Ctrl/⌘ K or `/`: go to a page or do something. */
import "@mantine/spotlight/styles.css";
import { useMantineColorScheme } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { Keyboard, Search } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { Role } from "@/api/roles";
import { looks } from "./colorScheme";
import { placesFor } from "./places";

/** Properties of {@link CommandPalette}. */
export interface CommandPaletteProps {
  role: Role;
  /** Another number opens the palette again. */
  opening: number;
  onShowKeys: () => void;
}

/** The palette; the shell fetches it when it is first wanted. */
export default function CommandPalette({ role, opening, onShowKeys }: CommandPaletteProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    spotlight.open();
  }, [opening]);
  const actions: SpotlightActionGroupData[] = [
    {
      group: t("palette.pages"),
      actions: placesFor(role).map(({ to, name, icon: Icon }) => ({
        id: to,
        label: t(`nav.${name}`),
        leftSection: <Icon size={16} aria-hidden />,
        onClick: () => void navigate({ to }),
      })),
    },
    {
      group: t("palette.actions"),
      actions: [
        ...looks.map(({ value, icon: Icon }) => ({
          id: value,
          label: t(`palette.${value}`),
          leftSection: <Icon size={16} aria-hidden />,
          onClick: () => {
            setColorScheme(value);
          },
        })),
        {
          id: "keys",
          label: t("palette.keys"),
          leftSection: <Keyboard size={16} aria-hidden />,
          onClick: onShowKeys,
        },
      ],
    },
  ];
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      attributes={{ content: { "aria-label": t("palette.open") } }}
      nothingFound={t("palette.nothing")}
      highlightQuery
      maxHeight={420}
      scrollable
      searchProps={{
        leftSection: <Search size={16} aria-hidden />,
        placeholder: t("palette.placeholder"),
        "aria-label": t("palette.open"),
      }}
    />
  );
}
