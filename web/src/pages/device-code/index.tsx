/** Code for devices: choose a template, fill it in, take the files. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { ArrowLeft, CircuitBoard, FileX } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Template, templatesQuery } from "@/api/queries";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import type { DeviceFile } from "./archive";
import classes from "./deviceCode.module.css";
import { Result } from "./Result";
import { TemplateForm } from "./TemplateForm";
import { TemplateList } from "./TemplateList";
import { initialValues, serverAddress, type Values } from "./values";

/** The page `/device-code`. */
export default function DeviceCodePage() {
  const { t } = useTranslation("device-code");
  const id = useSearch({ from: "/signed-in/device-code", select: (search) => search.template });
  const templates = useQuery(templatesQuery);
  // In the tab's memory only, and only while the page is open: there are secrets in it.
  const [filled, setFilled] = useState<Values>({});
  const template = templates.data?.find((known) => known.id === id);
  if (template !== undefined) {
    return <OneTemplate key={template.id} template={template} filled={filled} onFilled={setFilled} />;
  }
  return (
    <>
      <PageHeader title={t("title")} description={t("description")} />
      <FormFailure error={templates.error} />
      {templates.isPending && <Loading />}
      {templates.data?.length === 0 && (
        <EmptyState icon={CircuitBoard} title={t("none")} description={t("noneWhy")} />
      )}
      {templates.data !== undefined && templates.data.length > 0 && id !== undefined && (
        <EmptyState icon={FileX} title={t("missing")} description={t("missingWhy", { id })}>
          <Link to="/device-code">{t("all")}</Link>
        </EmptyState>
      )}
      {templates.data !== undefined && id === undefined && <TemplateList templates={templates.data} />}
    </>
  );
}

interface OneTemplateProps {
  template: Template;
  /** What was filled in for whichever template. */
  filled: Values;
  onFilled: (values: Values) => void;
}

function OneTemplate({ template, filled, onFilled }: OneTemplateProps) {
  const { t } = useTranslation("device-code");
  const [values, setValues] = useState(() =>
    initialValues(template.variables, filled, serverAddress(globalThis.location)),
  );
  const [made, setMade] = useState<{ files: readonly DeviceFile[]; values: Values } | null>(null);
  return (
    <>
      <p className={classes["back"]}>
        <ArrowLeft size={14} aria-hidden />
        <Link to="/device-code">{t("all")}</Link>
      </p>
      <PageHeader title={template.title} description={template.hardware} />
      <Text className={classes["words"] ?? ""}>{template.description}</Text>
      <div className={classes["columns"]} data-made={made !== null}>
        <TemplateForm
          template={template}
          values={values}
          onChange={(next) => {
            setValues(next);
            onFilled({ ...filled, ...next });
          }}
          onMade={(files, by) => {
            setMade({ files, values: by });
          }}
        />
        {made !== null && <Result id={template.id} files={made.files} isOld={made.values !== values} />}
      </div>
    </>
  );
}
