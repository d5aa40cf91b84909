/** What a person fills in: as a form, or as JSON. */
import { Button, SegmentedControl, Text, Textarea, Title } from "@mantine/core";
import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { draftOfVariable, emptyVariable, jsonOf, listIn, type VariableDraft } from "./draft";
import type { Placed } from "./placed";
import { Problems } from "./Problems";
import classes from "./templateNew.module.css";
import { VariableFields } from "./VariableFields";

/** Properties of {@link Variables}. */
export interface VariablesProps {
  variables: readonly VariableDraft[];
  onChange: (variables: VariableDraft[]) => void;
  /** The text of JSON while they are written so. */
  json: string | null;
  onJson: (json: string | null) => void;
  found: Placed;
  isChecked: boolean;
}

/** The section. */
export function Variables({ variables, onChange, json, onJson, found, isChecked }: VariablesProps) {
  const { t } = useTranslation("templates");
  const read = json === null ? null : listIn(json);
  const problem = read !== null && "problem" in read ? (read.problem ?? t("jsonNoList")) : null;
  return (
    <section className={classes["section"]} aria-labelledby="variables">
      <div className={classes["head"]}>
        <Title order={2} id="variables">
          {t("variables")}
        </Title>
        <SegmentedControl
          aria-label={t("writeAs")}
          value={json === null ? "form" : "json"}
          // What is no list cannot become fields.
          disabled={problem !== null}
          data={[
            { value: "form", label: t("form") },
            { value: "json", label: t("json") },
          ]}
          onChange={(value) => {
            if (value === "json") {
              onJson(jsonOf(variables));
            } else if (read !== null && "list" in read) {
              onChange(read.list.map(draftOfVariable));
              onJson(null);
            }
          }}
        />
      </div>
      <Text c="dimmed">{t("variablesWhy")}</Text>
      {json === null ? (
        <>
          {variables.map((variable, index) => (
            <VariableFields
              key={variable.key}
              variable={variable}
              number={index + 1}
              problems={found.variables.get(variable.name.trim())}
              isChecked={isChecked}
              onChange={(changed) => {
                onChange(variables.map((known) => (known.key === changed.key ? changed : known)));
              }}
              onRemove={() => {
                onChange(variables.filter(({ key }) => key !== variable.key));
              }}
            />
          ))}
          <div>
            <Button
              variant="default"
              leftSection={<Plus size={14} aria-hidden />}
              onClick={() => {
                onChange([...variables, emptyVariable()]);
              }}
            >
              {t("addVariable")}
            </Button>
          </div>
        </>
      ) : (
        <>
          <Textarea
            label={t("variablesJson")}
            classNames={{ input: "sn-mono" }}
            value={json}
            error={problem}
            autosize
            minRows={8}
            maxRows={24}
            spellCheck={false}
            autoCapitalize="none"
            onChange={(event) => {
              onJson(event.currentTarget.value);
            }}
          />
          <Problems problems={[...found.variables.values()].flat()} withPlace />
        </>
      )}
    </section>
  );
}
