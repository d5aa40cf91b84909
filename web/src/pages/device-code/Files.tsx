/** Files to read and to copy, one at a time, in the colours of their language. */
import { Button, Tabs } from "@mantine/core";
import { Download } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "@/shell/CodeBlock";
import { save } from "@/shell/save";
import type { DeviceFile } from "./archive";
import classes from "./deviceCode.module.css";
import { languageOf } from "./language";

const Highlighted = lazy(() => import("./Highlighted"));

/** Properties of {@link Files}. */
export interface FilesProps {
  files: readonly DeviceFile[];
  /** Whether each can be downloaded, too. */
  canDownload: boolean;
}

/** Tabs where there is more than one. */
export function Files({ files, canDownload }: FilesProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = files.find(({ name }) => name === chosen) ?? files[0];
  if (shown === undefined) return null;
  if (files.length === 1) return <FileView file={shown} canDownload={canDownload} />;
  return (
    <Tabs value={shown.name} onChange={setChosen} keepMounted={false}>
      <Tabs.List>
        {files.map(({ name }) => (
          <Tabs.Tab key={name} value={name} className="sn-mono">
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={shown.name} pt="sm">
        <FileView file={shown} canDownload={canDownload} />
      </Tabs.Panel>
    </Tabs>
  );
}

function FileView({ file: { name, text }, canDownload }: { file: DeviceFile; canDownload: boolean }) {
  const { t } = useTranslation("device-code");
  const language = languageOf(name);
  return (
    <div className={classes["file"]}>
      <CodeBlock
        text={text}
        label={name}
        copyLabel={name}
        actions={
          canDownload && (
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
          )
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
