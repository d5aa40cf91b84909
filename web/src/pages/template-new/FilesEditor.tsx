/** The files of a template, with what is wrong in which line. */
import { Button, Text, TextInput, Title } from "@mantine/core";
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { CodeField } from "./CodeField";
import { emptyFile, type FileDraft } from "./draft";
import type { Placed, Problem } from "./placed";
import { Problems } from "./Problems";
import classes from "./templateNew.module.css";

/** Properties of {@link FilesEditor}. */
export interface FilesEditorProps {
  files: readonly FileDraft[];
  onChange: (files: FileDraft[]) => void;
  found: Placed;
}

/** The section. */
export function FilesEditor({ files, onChange, found }: FilesEditorProps) {
  const { t } = useTranslation("templates");
  return (
    <section className={classes["section"]} aria-labelledby="files">
      <Title order={2} id="files">
        {t("files")}
      </Title>
      <Text c="dimmed">{t("filesWhy")}</Text>
      {files.map((file, index) => (
        <OneFile
          key={file.key}
          file={file}
          number={index + 1}
          problems={found.files.get(file.name.trim())}
          onChange={(changed) => {
            onChange(files.map((known) => (known.key === changed.key ? changed : known)));
          }}
          onRemove={
            files.length > 1
              ? () => {
                  onChange(files.filter(({ key }) => key !== file.key));
                }
              : undefined
          }
        />
      ))}
      <div>
        <Button
          variant="default"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => {
            onChange([...files, emptyFile()]);
          }}
        >
          {t("addFile")}
        </Button>
      </div>
    </section>
  );
}

interface OneFileProps {
  file: FileDraft;
  number: number;
  problems: readonly Problem[] | undefined;
  onChange: (file: FileDraft) => void;
  onRemove: (() => void) | undefined;
}

function OneFile({ file, number, problems, onChange, onRemove }: OneFileProps) {
  const { t } = useTranslation("templates");
  const wrong = problems?.flatMap(({ line }) => (line === null ? [] : [line])) ?? [];
  return (
    <fieldset className={`sn-panel ${classes["item"] ?? ""}`} data-wrong={(problems?.length ?? 0) > 0}>
      <legend className="sn-hidden">{t("fileNumber", { number, name: file.name })}</legend>
      <div className={classes["head"]}>
        <TextInput
          label={t("fileName")}
          classNames={{ input: "sn-mono" }}
          maxLength={100}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={file.name}
          onChange={(event) => {
            onChange({ ...file, name: event.currentTarget.value });
          }}
        />
        {onRemove !== undefined && (
          <Button
            variant="subtle"
            color="gray"
            leftSection={<Trash2 size={14} aria-hidden />}
            aria-label={t("removeFile", { number, name: file.name })}
            onClick={onRemove}
          >
            {t("remove")}
          </Button>
        )}
      </div>
      <Problems problems={problems} />
      <CodeField
        value={file.body}
        label={t("body", { number })}
        wrong={wrong}
        onChange={(body) => {
          onChange({ ...file, body });
        }}
      />
    </fieldset>
  );
}
