/** One thing to fill in, as its kind wants it. */
import { Checkbox, NativeSelect, PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { TemplateVariable } from "@/api/queries";
import type { Value } from "./values";

/** Properties of {@link Field}. */
export interface FieldProps {
  variable: TemplateVariable;
  value: Value;
  /** What is wrong with it. */
  problem: string | undefined;
  onChange: (value: Value) => void;
}

/** The id of the field of a variable. */
export function fieldId(name: string): string {
  return `variable-${name}`;
}

/** A field with its label, what it is for, and what is wrong with it. */
export function Field({ variable, value, problem, onChange }: FieldProps) {
  const { t } = useTranslation("device-code");
  const { name, label, help, kind, default: standard, required } = variable;
  const shared = {
    id: fieldId(name),
    label,
    description: help === "" ? undefined : help,
    error: problem,
    required: required && standard == null,
  };
  const text = typeof value === "string" ? value : "";
  const typed = {
    value: text,
    autoComplete: "off",
    autoCapitalize: "none",
    spellCheck: false,
    onChange: (event: { currentTarget: { value: string } }) => {
      onChange(event.currentTarget.value);
    },
  };
  switch (kind.type) {
    case "boolean":
      return (
        <Checkbox
          id={shared.id}
          label={label}
          description={shared.description}
          error={problem}
          checked={value === true}
          onChange={(event) => {
            onChange(event.currentTarget.checked);
          }}
        />
      );
    case "choice":
      return (
        <NativeSelect
          {...shared}
          value={text}
          data={[...(text === "" ? [{ value: "", label: t("choose") }] : []), ...kind.options]}
          onChange={typed.onChange}
        />
      );
    case "secret":
      return (
        <PasswordInput
          {...shared}
          {...typed}
          maxLength={kind.max_characters}
          visibilityToggleButtonProps={{ "aria-label": t("show", { label }) }}
        />
      );
    case "text":
      return kind.multiline ? (
        <Textarea {...shared} {...typed} rows={3} maxLength={kind.max_characters} classNames={{ input: "sn-mono" }} />
      ) : (
        <TextInput {...shared} {...typed} maxLength={kind.max_characters} />
      );
    case "integer":
      return <TextInput {...shared} {...typed} inputMode={kind.min < 0 ? "text" : "numeric"} />;
    case "port":
    case "duration":
      return <TextInput {...shared} {...typed} inputMode="numeric" />;
    case "url":
      return <TextInput {...shared} {...typed} inputMode="url" />;
    case "host":
    case "wifi_ssid":
      return <TextInput {...shared} {...typed} />;
  }
}
