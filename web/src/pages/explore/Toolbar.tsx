/** Under the editor: run or cancel, examples, and the statements that ran lately. */
import { Button, Kbd, Menu, Text } from "@mantine/core";
import { BookOpen, History, Play, Square } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Example } from "./examples";
import type { Ran } from "./history";
import classes from "./Toolbar.module.css";

export interface ToolbarProps {
  running: boolean;
  runnable: boolean;
  examples: readonly Example[];
  history: readonly Ran[];
  onRun: () => void;
  onCancel: () => void;
  onExample: (example: Example) => void;
  onHistory: (ran: Ran) => void;
}

const mac = /Mac|iPhone|iPad/.test(globalThis.navigator.userAgent);

export function Toolbar(props: ToolbarProps) {
  const { running, runnable, examples, history, onRun, onCancel, onExample, onHistory } = props;
  const { t } = useTranslation("explore");
  return (
    <div className={classes["toolbar"]}>
      {running ? (
        <Button color="red" variant="outline" leftSection={<Square size={13} aria-hidden />} onClick={onCancel}>
          {t("cancel")}
        </Button>
      ) : (
        <Button leftSection={<Play size={13} aria-hidden />} disabled={!runnable} onClick={onRun}>
          {t("run")}
        </Button>
      )}
      <span className={classes["keys"]} aria-hidden>
        <Kbd size="xs">{mac ? "⌘" : "Ctrl"}</Kbd> <Kbd size="xs">↵</Kbd>
      </span>
      <span className={classes["space"]} />
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button variant="subtle" color="gray" leftSection={<BookOpen size={14} aria-hidden />}>
            {t("examples.button")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {examples.map((example) => (
            <Menu.Item
              key={example.name}
              onClick={() => {
                onExample(example);
              }}
            >
              {t(`examples.${example.name}`, { table: example.table ?? "" })}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end" width={420}>
        <Menu.Target>
          <Button variant="subtle" color="gray" leftSection={<History size={14} aria-hidden />}>
            {t("history.button")}
          </Button>
        </Menu.Target>
        <Menu.Dropdown className={classes["history"] ?? ""}>
          {history.length === 0 && <Menu.Label>{t("history.empty")}</Menu.Label>}
          {history.map((ran) => (
            <Menu.Item
              key={ran.time}
              onClick={() => {
                onHistory(ran);
              }}
            >
              <Text className={`sn-mono ${classes["sql"] ?? ""}`}>{ran.sql}</Text>
              <Text size="xs" c="dimmed">
                {ran.database} · {new Date(ran.time).toLocaleString("en-GB")}
              </Text>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
