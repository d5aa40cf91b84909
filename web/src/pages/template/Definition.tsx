/** What a template is: its description, what is to be filled in, and its files as they were written. */
import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { TemplateVariable } from "@/api/queries";
import type { WholeTemplate } from "@/api/submissions";
import { Files } from "@/pages/device-code/Files";
import table from "@/shell/CardTable.module.css";
import classes from "./template.module.css";

/** The sections. */
export function Definition({ template: { description, variables, sources } }: { template: WholeTemplate }) {
  const { t } = useTranslation("templates");
  return (
    <>
      <section className={classes["section"]} aria-labelledby="description">
        <Title order={2} id="description">
          {t("whatItDoes")}
        </Title>
        <p className={classes["words"]}>{description}</p>
      </section>
      <section className={classes["section"]} aria-labelledby="variables">
        <Title order={2} id="variables">
          {t("variables")}
        </Title>
        {variables.length === 0 ? <p className="sn-dim">{t("variablesNone")}</p> : <Variables variables={variables} />}
      </section>
      <section className={classes["section"]} aria-labelledby="files">
        <Title order={2} id="files">
          {t("files")}
        </Title>
        <Files files={sources.map(({ name, body }) => ({ name, text: body }))} canDownload={false} />
      </section>
    </>
  );
}

function Variables({ variables }: { variables: readonly TemplateVariable[] }) {
  const { t } = useTranslation("templates");
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("variables")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("variableName")}</th>
          <th scope="col">{t("label")}</th>
          <th scope="col">{t("kind")}</th>
          <th scope="col">{t("default")}</th>
          <th scope="col">{t("needed")}</th>
        </tr>
      </thead>
      <tbody>
        {variables.map(({ name, label, kind, default: standard, required }) => (
          <tr key={name}>
            <th scope="row" className="sn-mono">
              {name}
            </th>
            <td data-label={t("label")}>{label}</td>
            <td data-label={t("kind")}>{t(`kind_${kind.type}`)}</td>
            <td data-label={t("default")} className="sn-mono">
              {standard == null ? (
                <span className="sn-dim">{t("noDefault")}</span>
              ) : typeof standard === "string" ? (
                standard
              ) : (
                JSON.stringify(standard)
              )}
            </td>
            <td data-label={t("needed")}>{t(required ? "yes" : "no")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
