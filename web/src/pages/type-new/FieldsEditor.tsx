/** What devices of a type measure, a group of fields each. */
import { Button, TextInput, Title } from "@mantine/core";
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "@/pages/template-new/templateNew.module.css";
import { emptyField, type FieldDraft, wrongBounds } from "./draft";

/** Properties of {@link FieldsEditor}. */
export interface FieldsEditorProps {
  fields: readonly FieldDraft[];
  onChange: (fields: FieldDraft[]) => void;
  /** Whether bounds that are no numbers are told. */
  isChecked: boolean;
}

/** The section. */
export function FieldsEditor({ fields, onChange, isChecked }: FieldsEditorProps) {
  const { t } = useTranslation("templates");
  return (
    <section className={classes["section"]} aria-labelledby="fields">
      <Title order={2} id="fields">
        {t("measures")}
      </Title>
      {fields.map((field, index) => (
        <OneField
          key={field.key}
          field={field}
          number={index + 1}
          isChecked={isChecked}
          onChange={(changed) => {
            onChange(fields.map((known) => (known.key === changed.key ? changed : known)));
          }}
          onRemove={() => {
            onChange(fields.filter(({ key }) => key !== field.key));
          }}
        />
      ))}
      <div>
        <Button
          variant="default"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => {
            onChange([...fields, emptyField()]);
          }}
        >
          {t("addField")}
        </Button>
      </div>
    </section>
  );
}

interface OneFieldProps {
  field: FieldDraft;
  /** From 1. */
  number: number;
  isChecked: boolean;
  onChange: (field: FieldDraft) => void;
  onRemove: () => void;
}

function OneField({ field, number, isChecked, onChange, onRemove }: OneFieldProps) {
  const { t } = useTranslation("templates");
  const wrong = isChecked ? wrongBounds(field) : [];
  const text = (part: "name" | "displayName" | "unit" | "min" | "max") => ({
    value: field[part],
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => {
      onChange({ ...field, [part]: event.currentTarget.value });
    },
  });
  const bound = (part: "min" | "max", label: string) => (
    <TextInput label={label} inputMode="decimal" error={wrong.includes(part) ? t("number") : null} {...text(part)} />
  );
  return (
    <fieldset className={`sn-panel ${classes["item"] ?? ""}`} data-wrong={wrong.length > 0}>
      <legend className="sn-hidden">{t("fieldNumber", { number, name: field.name })}</legend>
      <div className={classes["fields"]}>
        <TextInput
          label={t("column")}
          classNames={{ input: "sn-mono" }}
          autoCapitalize="none"
          spellCheck={false}
          {...text("name")}
        />
        <TextInput label={t("displayName")} maxLength={100} {...text("displayName")} />
        <TextInput
          label={t("unit")}
          placeholder={t("unitHint")}
          maxLength={32}
          autoCapitalize="none"
          spellCheck={false}
          {...text("unit")}
        />
        {bound("min", t("smallest"))}
        {bound("max", t("largest"))}
      </div>
      <div className={classes["checks"]}>
        <Button
          variant="subtle"
          color="gray"
          leftSection={<Trash2 size={14} aria-hidden />}
          aria-label={t("removeField", { number, name: field.name })}
          onClick={onRemove}
        >
          {t("remove")}
        </Button>
      </div>
    </fieldset>
  );
}
