/** The fields of one variable; which there are depends on its kind. */
import { Button, Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { KINDS, type VariableDraft, wrongNumbers } from "./draft";
import type { Problem } from "./placed";
import { Problems } from "./Problems";
import classes from "./templateNew.module.css";

/** Properties of {@link VariableFields}. */
export interface VariableFieldsProps {
  variable: VariableDraft;
  /** From 1. */
  number: number;
  problems: readonly Problem[] | undefined;
  /** Whether numbers that are none are told. */
  isChecked: boolean;
  onChange: (variable: VariableDraft) => void;
  onRemove: () => void;
}

/** A group of fields. */
export function VariableFields({ variable, number, problems, isChecked, onChange, onRemove }: VariableFieldsProps) {
  const { t } = useTranslation("templates");
  const { name, type } = variable;
  const wrong = isChecked ? wrongNumbers(variable) : [];
  const text = (field: "name" | "label" | "help" | "standard" | "maxCharacters" | "min" | "max" | "options") => ({
    value: variable[field],
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => {
      onChange({ ...variable, [field]: event.currentTarget.value });
    },
  });
  const amount = (field: "maxCharacters" | "min" | "max", label: string) => (
    <TextInput label={label} inputMode="numeric" error={wrong.includes(field) ? t("wholeNumber") : null} {...text(field)} />
  );
  const isWrong = (problems?.length ?? 0) > 0 || wrong.length > 0;
  return (
    <fieldset className={`sn-panel ${classes["item"] ?? ""}`} data-wrong={isWrong}>
      <legend className="sn-hidden">{t("variableNumber", { number, name })}</legend>
      <div className={classes["fields"]}>
        <TextInput
          label={t("variableName")}
          classNames={{ input: "sn-mono" }}
          autoCapitalize="none"
          spellCheck={false}
          maxLength={40}
          {...text("name")}
        />
        <TextInput label={t("label")} maxLength={100} {...text("label")} />
        <NativeSelect
          label={t("kind")}
          value={type}
          data={KINDS.map((value) => ({ value, label: t(`kind_${value}`) }))}
          onChange={(event) => {
            const chosen = KINDS.find((kind) => kind === event.currentTarget.value) ?? "text";
            onChange({ ...variable, type: chosen });
          }}
        />
        {type === "boolean" ? (
          <NativeSelect
            label={t("default")}
            data={[
              { value: "", label: t("noDefault") },
              { value: "true", label: t("yes") },
              { value: "false", label: t("no") },
            ]}
            {...text("standard")}
          />
        ) : (
          type !== "secret" && <TextInput label={t("default")} {...text("standard")} />
        )}
        {(type === "text" || type === "secret") && amount("maxCharacters", t("maxCharacters"))}
        {type === "integer" && amount("min", t("min"))}
        {type === "integer" && amount("max", t("max"))}
        {type === "duration" && amount("min", t("minSeconds"))}
        {type === "duration" && amount("max", t("maxSeconds"))}
        {type === "choice" && (
          <Textarea
            className={classes["wide"] ?? ""}
            label={t("options")}
            description={t("optionsHint")}
            classNames={{ input: "sn-mono" }}
            rows={3}
            spellCheck={false}
            {...text("options")}
          />
        )}
        <TextInput className={classes["wide"] ?? ""} label={t("help")} maxLength={500} {...text("help")} />
      </div>
      <div className={classes["checks"]}>
        <Checkbox
          label={t("required")}
          checked={variable.required}
          onChange={(event) => {
            onChange({ ...variable, required: event.currentTarget.checked });
          }}
        />
        {type === "text" && (
          <Checkbox
            label={t("multiline")}
            checked={variable.multiline}
            onChange={(event) => {
              onChange({ ...variable, multiline: event.currentTarget.checked });
            }}
          />
        )}
        <Button
          variant="subtle"
          color="gray"
          leftSection={<Trash2 size={14} aria-hidden />}
          aria-label={t("removeVariable", { number, name })}
          onClick={onRemove}
        >
          {t("remove")}
        </Button>
      </div>
      <Problems problems={problems} />
    </fieldset>
  );
}
