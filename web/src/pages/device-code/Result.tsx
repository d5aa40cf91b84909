/** The files that came out: to read, to copy, to download. */
import { Button, Group, Text, Title } from "@mantine/core";
import { FolderDown } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { save } from "@/shell/save";
import { archive, type DeviceFile } from "./archive";
import classes from "./deviceCode.module.css";
import { Files } from "./Files";

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
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone it is drawn below a long form, out of sight.
    const element = place.current;
    if (element !== null && element.getBoundingClientRect().top > globalThis.innerHeight / 2) element.scrollIntoView();
  }, [files]);
  if (files.length === 0) return null;
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
      <Files files={files} canDownload />
    </section>
  );
}
