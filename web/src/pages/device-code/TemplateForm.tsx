/** What a template needs, as a form; what the server finds wrong stands at its field. */
import { Button } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { Hammer } from "lucide-react";
import { Fragment, type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, body } from "@/api/client";
import { networksQuery, type Template } from "@/api/queries";
import { isAtLeast } from "@/api/roles";
import { FormFailure } from "@/shell/FormFailure";
import type { DeviceFile } from "./archive";
import { ChooseNetwork } from "./ChooseNetwork";
import classes from "./deviceCode.module.css";
import { Field, fieldId } from "./Field";
import { MakeToken } from "./MakeToken";
import { NETWORK, problemsOf, takesNetwork, type Value, type Values, variablesOf, withoutWifi } from "./values";

/** Properties of {@link TemplateForm}. */
export interface TemplateFormProps {
  template: Template;
  values: Values;
  onChange: (values: Values) => void;
  onMade: (files: readonly DeviceFile[], values: Values) => void;
  /** The id of a submission that is tried: without networks of the organisation, and without a token. */
  submission?: string;
}

/** The form. */
export function TemplateForm({ template, values, onChange, onMade, submission }: TemplateFormProps) {
  const { t } = useTranslation("device-code");
  const { can_write: canWrite, user } = useRouteContext({ from: "/signed-in", select: (context) => context.session });
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const { id } = template;
  const mayChoose = submission === undefined && isAtLeast(user.role, "editor") && takesNetwork(template.variables);
  const networks = useQuery({ ...networksQuery, enabled: mayChoose });
  // One that was deleted meanwhile is no longer chosen.
  const network = mayChoose ? networks.data?.find((known) => known.id === values[NETWORK]) : undefined;
  const variables = network === undefined ? template.variables : withoutWifi(template.variables);
  const make = useMutation({
    mutationFn: async (filled: Values) => {
      const given = { variables: variablesOf(variables, filled) };
      if (submission !== undefined) {
        const path = { id: submission };
        return body(await api.POST("/api/v1/submissions/{id}/render", { params: { path }, body: given })).files;
      }
      const request = network === undefined ? given : { ...given, network: network.id };
      return body(await api.POST("/api/v1/templates/{id}/render", { params: { path: { id } }, body: request })).files;
    },
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
  const chooser = networks.data !== undefined && networks.data.length > 0 && (
    <div className={classes["field"]} data-wide="true">
      <ChooseNetwork
        networks={networks.data}
        value={network?.id ?? ""}
        onChange={(chosen) => {
          change(NETWORK, chosen);
        }}
      />
    </div>
  );
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : "";
  };
  const wrong = variables.filter(({ name }) => problems[name] !== undefined).length;
  const isAtFields = make.error !== null && variables.some(({ name }) => problemsOf(make.error)[name] !== undefined);
  const field = (variable: Template["variables"][number]) => (
    <div className={classes["field"]} data-wide={isWide(variable)}>
      <Field
        variable={variable}
        value={values[variable.name] ?? ""}
        problem={problems[variable.name]}
        onChange={(value) => {
          change(variable.name, value);
        }}
      />
      {variable.name === "token" && variable.kind.type === "secret" && canWrite && submission === undefined && (
        <MakeToken
          device={text("device")}
          database={text("database")}
          onMade={(secret) => {
            change("token", secret);
          }}
        />
      )}
    </div>
  );
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
      {networks.error !== null && <FormFailure error={networks.error} />}
      {template.variables.map((variable) => (
        <Fragment key={variable.name}>
          {variable.name === "wifi_ssid" && chooser}
          {variables.includes(variable) && field(variable)}
        </Fragment>
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
