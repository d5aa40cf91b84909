/** The templates that code is made of: those that come with Sensorium, and the organisation's. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Template } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import classes from "./templates.module.css";

/** Properties of {@link InUse}. */
export interface InUseProps {
  templates: readonly Template[];
  /** Whether another version may be submitted. */
  maySubmit: boolean;
}

/** A table. */
export function InUse({ templates, maySubmit }: InUseProps) {
  const { t } = useTranslation("templates");
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("inUse")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("name")}</th>
          <th scope="col">{t("hardware")}</th>
          <th scope="col">{t("language")}</th>
          <th scope="col">{t("origin")}</th>
          <th scope="col">{t("version")}</th>
          {maySubmit && (
            <th scope="col">
              <span className="sn-hidden">{t("actions")}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {templates.map(({ id, title, hardware, language, shipped, version }) => (
          <tr key={id}>
            <th scope="row">
              <span>
                <Link to="/device-code" search={{ template: id }}>
                  {title}
                </Link>{" "}
                <span className={`sn-mono ${classes["id"] ?? ""}`}>{id}</span>
              </span>
            </th>
            <td data-label={t("hardware")}>{hardware}</td>
            <td data-label={t("language")}>{t(`language_${language}`)}</td>
            <td data-label={t("origin")}>{t(shipped ? "shipped" : "organisation")}</td>
            <td data-label={t("version")} className="sn-num">
              {version}
            </td>
            {maySubmit && (
              <td className={table["act"]}>
                <Button
                  variant="subtle"
                  color="gray"
                  size="compact-sm"
                  aria-label={t(shipped ? "copyNamed" : "newVersionNamed", { title })}
                  renderRoot={(props) => <Link to="/templates/new" search={{ template: id }} {...props} />}
                >
                  {t(shipped ? "copy" : "newVersion")}
                </Button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
