/** The files that came out: to read, to copy, to download. */
import { Button, Group, Tabs, Text, Title } from "@mantine/core";
import { Download, FolderDown } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "@/shell/CodeBlock";
import { save } from "@/shell/save";
import { archive, type DeviceFile } from "./archive";
import classes from "./deviceCode.module.css";
import { languageOf } from "./language";

const Highlighted = lazy(() => import("./Highlighted"));

/** Properties of {@link Result}. */
export interface ResultProps {
  /** What an archive of all is called. */
  id: string;
  files: readonly DeviceFile[];
  /** Whether the form was changed since. */
  isOld: boolean;
}

/** The files, one at a time. */
export function Result({ id, files, isOld }: ResultProps) {
  const { t } = useTranslation("device-code");
  const [chosen, setChosen] = useState<string | null>(null);
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone it is drawn below a long form, out of sight.
    const element = place.current;
    if (element !== null && element.getBoundingClientRect().top > globalThis.innerHeight / 2) element.scrollIntoView();
  }, [files]);
  const shown = files.find(({ name }) => name === chosen) ?? files[0];
  if (shown === undefined) return null;
  const all = files.length > 1 ? archive(files) : null;
  return (
    <section ref={place} className={classes["result"]} aria-labelledby="result">
      <Group justify="space-between" gap="sm">
        <Title order={2} id="result">
          {t("result", { count: files.length })}
        </Title>
        {all !== null && (
          <Button
            variant="default"
            leftSection={<FolderDown size={14} aria-hidden />}
            onClick={() => {
              save(`${id}.tar`, all);
            }}
          >
            {t("downloadAll")}
          </Button>
        )}
      </Group>
      <Text c="dimmed" role="status">
        {t(isOld ? "old" : "secrets")}
      </Text>
      {files.length > 1 ? (
        <Tabs value={shown.name} onChange={setChosen} keepMounted={false}>
          <Tabs.List>
            {files.map(({ name }) => (
              <Tabs.Tab key={name} value={name} className="sn-mono">
                {name}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tabs.Panel value={shown.name} pt="sm">
            <FileView file={shown} />
          </Tabs.Panel>
        </Tabs>
      ) : (
        <FileView file={shown} />
      )}
    </section>
  );
}

function FileView({ file: { name, text } }: { file: DeviceFile }) {
  const { t } = useTranslation("device-code");
  const language = languageOf(name);
  return (
    <div className={classes["file"]}>
      <CodeBlock
        text={text}
        label={name}
        copyLabel={name}
        actions={
          <Button
            variant="default"
            leftSection={<Download size={14} aria-hidden />}
            aria-label={t("downloadNamed", { name })}
            onClick={() => {
              save(name, new Blob([text], { type: "text/plain" }));
            }}
          >
            {t("download")}
          </Button>
        }
      >
        {language === null ? (
          text
        ) : (
          <Suspense fallback={text}>
            <Highlighted text={text} language={language} />
          </Suspense>
        )}
      </CodeBlock>
    </div>
  );
}
