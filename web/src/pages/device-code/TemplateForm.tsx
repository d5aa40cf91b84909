/** What a template needs, as a form; what the server finds wrong stands at its field. */
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { Hammer } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, body } from "@/api/client";
import type { Template } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import type { DeviceFile } from "./archive";
import classes from "./deviceCode.module.css";
import { Field, fieldId } from "./Field";
import { MakeToken } from "./MakeToken";
import { problemsOf, type Value, type Values, variablesOf } from "./values";

/** Properties of {@link TemplateForm}. */
export interface TemplateFormProps {
  template: Template;
  values: Values;
  onChange: (values: Values) => void;
  onMade: (files: readonly DeviceFile[], values: Values) => void;
}

/** The form. */
export function TemplateForm({ template, values, onChange, onMade }: TemplateFormProps) {
  const { t } = useTranslation("device-code");
  const canWrite = useRouteContext({ from: "/signed-in", select: (context) => context.session.can_write });
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const { id, variables } = template;
  const make = useMutation({
    mutationFn: async (filled: Values) =>
      body(
        await api.POST("/api/v1/templates/{id}/render", {
          params: { path: { id } },
          body: { variables: variablesOf(variables, filled) },
        }),
      ).files,
    onSuccess: onMade,
    onError: (error) => {
      const found = problemsOf(error);
      setProblems(found);
      const first = variables.find(({ name }) => found[name] !== undefined);
      if (first !== undefined) document.getElementById(fieldId(first.name))?.focus();
    },
    // Nothing of it is kept: there are secrets in it.
    gcTime: 0,
  });
  const change = (name: string, value: Value) => {
    onChange({ ...values, [name]: value });
    setProblems((before) => Object.fromEntries(Object.entries(before).filter(([wrong]) => wrong !== name)));
  };
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : "";
  };
  const wrong = variables.filter(({ name }) => problems[name] !== undefined).length;
  const isAtFields = make.error !== null && variables.some(({ name }) => problemsOf(make.error)[name] !== undefined);
  return (
    <form
      noValidate
      className={classes["form"]}
      onSubmit={(event: SubmitEvent) => {
        event.preventDefault();
        setProblems({});
        make.mutate(values);
      }}
    >
      {variables.map((variable) => (
        <div key={variable.name} className={classes["field"]} data-wide={isWide(variable)}>
          <Field
            variable={variable}
            value={values[variable.name] ?? ""}
            problem={problems[variable.name]}
            onChange={(value) => {
              change(variable.name, value);
            }}
          />
          {variable.name === "token" && variable.kind.type === "secret" && canWrite && (
            <MakeToken
              device={text("device")}
              database={text("database")}
              onMade={(secret) => {
                change("token", secret);
              }}
            />
          )}
        </div>
      ))}
      <div className={classes["submit"]}>
        <FormFailure
          error={isAtFields ? (wrong === 0 ? null : new ApiError(t("wrong", { count: wrong }), 400, "invalid")) : make.error}
        />
        <Button type="submit" leftSection={<Hammer size={16} aria-hidden />} loading={make.isPending}>
          {t("make")}
        </Button>
      </div>
    </form>
  );
}

function isWide({ name, kind }: Template["variables"][number]): boolean {
  return name === "token" || (kind.type === "text" && kind.multiline);
}
