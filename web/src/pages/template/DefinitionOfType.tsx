/** What a type of devices is to be: what it is for, where its devices write, and what they measure. */
import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { TypeDefinition } from "@/api/queries";
import { unitSign } from "@/pages/devices/units";
import table from "@/shell/CardTable.module.css";
import classes from "./template.module.css";

/** The sections. */
export function DefinitionOfType({ type }: { type: TypeDefinition }) {
  const { t } = useTranslation("templates");
  const { description = "", decoder, fields = [] } = type;
  return (
    <>
      <section className={classes["section"]} aria-labelledby="type">
        <Title order={2} id="type">
          {t("typeOfDevices")}
        </Title>
        {description !== "" && <p className={classes["words"]}>{description}</p>}
        <dl className={`sn-panel ${classes["facts"] ?? ""}`}>
          <div>
            <dt>{t("table")}</dt>
            <dd className="sn-mono">{type.table}</dd>
          </div>
          <div>
            <dt>{t("decoder")}</dt>
            <dd>{t(`decoder_${decoder ?? "none"}`)}</dd>
          </div>
        </dl>
      </section>
      <section className={classes["section"]} aria-labelledby="fields">
        <Title order={2} id="fields">
          {t("measures")}
        </Title>
        {fields.length === 0 ? <p className="sn-dim">{t("measuresNone")}</p> : <Fields fields={fields} />}
      </section>
    </>
  );
}

function Fields({ fields }: { fields: NonNullable<TypeDefinition["fields"]> }) {
  const { t } = useTranslation("templates");
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("measures")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("column")}</th>
          <th scope="col">{t("displayName")}</th>
          <th scope="col">{t("unit")}</th>
          <th scope="col">{t("smallest")}</th>
          <th scope="col">{t("largest")}</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, display_name: shown, unit, min, max }) => (
          <tr key={name}>
            <th scope="row" className="sn-mono">
              {name}
            </th>
            <td data-label={t("displayName")}>{shown}</td>
            <td data-label={t("unit")}>{unitSign(unit)}</td>
            <td data-label={t("smallest")} className="sn-num">
              {min}
            </td>
            <td data-label={t("largest")} className="sn-num">
              {max}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
