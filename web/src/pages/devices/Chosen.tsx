/** What can be done with the devices that are chosen: a bar below the list, and the dialog that does it. */
import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Device } from "@/api/queries";
import type { BulkAct } from "./bulk";
import { BulkDialog } from "./BulkDialog";
import classes from "./devices.module.css";

/** Properties of {@link Chosen}. */
export interface ChosenProps {
  devices: readonly Device[];
  /** Loads and chooses all that the filters let through; absent when all are loaded. */
  onChooseAll: (() => void) | undefined;
  isLoading: boolean;
  onClear: () => void;
}

const ACTS = ["enable", "disable", "tag", "delete"] as const satisfies readonly BulkAct["how"][];

/** The bar. */
export function Chosen({ devices, onChooseAll, isLoading, onClear }: ChosenProps) {
  const { t } = useTranslation("devices");
  const [how, setHow] = useState<BulkAct["how"]>("enable");
  // What was chosen when the dialog was opened: the list may change under it.
  const [wanted, setWanted] = useState<readonly Device[]>([]);
  const [opened, dialog] = useDisclosure(false);
  return (
    <section className={`sn-panel ${classes["chosen"] ?? ""}`} aria-label={t("chosen")}>
      <p role="status">{t("chosenCount", { count: devices.length })}</p>
      <Group gap="sm">
        {ACTS.map((act) => (
          <Button
            key={act}
            variant="default"
            onClick={() => {
              setHow(act);
              setWanted(devices);
              dialog.open();
            }}
          >
            {t(`bulk_${act}`)}
          </Button>
        ))}
        {onChooseAll !== undefined && (
          <Button variant="subtle" color="gray" loading={isLoading} onClick={onChooseAll}>
            {t("chooseAll")}
          </Button>
        )}
        <Button variant="subtle" color="gray" onClick={onClear}>
          {t("chooseNone")}
        </Button>
      </Group>
      <BulkDialog how={how} devices={wanted} opened={opened} onClose={dialog.close} />
    </section>
  );
}
