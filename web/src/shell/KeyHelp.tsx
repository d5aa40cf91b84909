/** The list of keys that `?` shows. */
import { Kbd, Modal, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./KeyHelp.module.css";
import { type Shortcut, useShortcuts } from "./shortcuts";

/** Properties of {@link KeyHelp}. */
export interface KeyHelpProps {
  opened: boolean;
  onClose: () => void;
}

/** A dialog with the keys that work everywhere and on this page. */
export default function KeyHelp({ opened, onClose }: KeyHelpProps) {
  const { t } = useTranslation();
  const shortcuts = useShortcuts();
  const anywhere = shortcuts.filter(({ scope }) => scope === "anywhere");
  const here = shortcuts.filter(({ scope }) => scope === "here");
  return (
    <Modal opened={opened} onClose={onClose} title={t("keys.title")} closeButtonProps={{ "aria-label": t("keys.close") }}>
      <Keys title={t("keys.anywhere")} keys={[{ key: "Ctrl K", label: t("keys.palette") }, ...anywhere]} />
      {here.length > 0 && <Keys title={t("keys.here")} keys={here} />}
    </Modal>
  );
}

function Keys({ title, keys }: { title: string; keys: readonly Pick<Shortcut, "key" | "label">[] }) {
  return (
    <section className={classes["keys"]}>
      <Title order={3}>{title}</Title>
      <dl>
        {keys.map(({ key, label }) => (
          <div key={key}>
            <dt>
              <Kbd>{key}</Kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
