/** Where a plan comes from: a file that is picked or dropped. */
import { Button, FileButton, Text } from "@mantine/core";
import { Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { FormFailure } from "@/shell/FormFailure";
import classes from "./place.module.css";
import { PICTURES, type PlanUpload } from "./usePlanUpload";

/** A button that asks for a file. */
export function PickPlan({ upload, words, isPlain = false }: { upload: PlanUpload; words: string; isPlain?: boolean }) {
  return (
    <FileButton
      accept={PICTURES}
      onChange={(file) => {
        if (file !== null) upload.send(file);
      }}
    >
      {(props) => (
        <Button
          {...props}
          {...(isPlain ? { variant: "default" } : {})}
          leftSection={<Upload size={16} aria-hidden />}
          loading={upload.isPending}
        >
          {words}
        </Button>
      )}
    </FileButton>
  );
}

/** How far the file is, and what was wrong with it. */
export function UploadState({ upload }: { upload: PlanUpload }) {
  const { t } = useTranslation(["places", "common"]);
  const percent = Math.round(upload.part * 100);
  const words = upload.part < 1 ? t("sending", { percent }) : t("looking");
  return (
    <>
      <FormFailure error={upload.error} />
      <div role="status" className={classes["sending"]}>
        {upload.isPending && (
          <>
            <progress aria-hidden max={100} value={percent} />
            <Text c="dimmed">{words}</Text>
            <Button variant="default" size="compact-sm" onClick={upload.stop}>
              {t("common:cancel")}
            </Button>
          </>
        )}
      </div>
    </>
  );
}

/** Takes files that are dropped on what is in it. */
export function DropPlan({ upload, children }: { upload: PlanUpload | null; children: ReactNode }) {
  const { t } = useTranslation("places");
  const [isOver, setOver] = useState(false);
  if (upload === null) return children;
  const onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(true);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file !== undefined && !upload.isPending) upload.send(file);
  };
  return (
    <div
      className={classes["drop"]}
      data-over={isOver || undefined}
      onDragOver={onDragOver}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) setOver(false);
      }}
      onDrop={onDrop}
    >
      {children}
      {isOver && <div className={classes["dropHere"]}>{t("dropHere")}</div>}
    </div>
  );
}
