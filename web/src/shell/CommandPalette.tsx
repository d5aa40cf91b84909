/** Ctrl/⌘ K or `/`: go to a page or do something. */
import { useMantineColorScheme } from "@mantine/core";
import { Spotlight, spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { Keyboard, Search } from "lucide-react";
import { useTranslation } from "react-i18next";
import { looks } from "./colorScheme";
import { places } from "./places";
import { useShortcut } from "./shortcuts";

/** Opens the palette from a button. */
export const openPalette = spotlight.open;

/** The palette; closed until its key is pressed. */
export function CommandPalette({ onShowKeys }: { onShowKeys: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  useShortcut("/", t("keys.search"), spotlight.open, "anywhere");
  const actions: SpotlightActionGroupData[] = [
    {
      group: t("palette.pages"),
      actions: places.map(({ to, name, icon: Icon }) => ({
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
      shortcut="mod + K"
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
