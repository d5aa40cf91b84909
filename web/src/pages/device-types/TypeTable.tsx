/** The types: a table on a desktop, one card per type on a phone. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceType } from "@/api/queries";
import { unitSign } from "@/pages/devices/units";
import table from "@/shell/CardTable.module.css";
import { DeleteType } from "./DeleteType";
import classes from "./deviceTypes.module.css";

/** Properties of {@link TypeTable}. */
export interface TypeTableProps {
  types: readonly DeviceType[];
  mayChange: boolean;
}

/** All types. */
export function TypeTable({ types, mayChange }: TypeTableProps) {
  const { t } = useTranslation("devices");
  const [doomed, setDoomed] = useState<DeviceType | null>(null);
  const [asking, ask] = useDisclosure(false);
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("typesList")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("table")}</th>
            <th scope="col">{t("fields")}</th>
            <th scope="col">{t("title")}</th>
            {mayChange && (
              <th scope="col">
                <span className="sn-hidden">{t("actions")}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {types.map((type) => (
            <tr key={type.id}>
              <th scope="row">{type.name}</th>
              <td data-label={t("table")} className="sn-mono">
                {type.table}
              </td>
              <td data-label={t("fields")} className={classes["fields"]}>
                <span>
                  {(type.fields ?? []).map(({ name, display_name: shown = "", unit }, index) => (
                    <span key={name}>
                      {index > 0 && ", "}
                      {shown === "" ? name : shown}
                      {unitSign(unit) !== "" && <span className="sn-dim"> {unitSign(unit)}</span>}
                    </span>
                  ))}
                </span>
              </td>
              <td data-label={t("title")}>
                <Link to="/devices" search={{ type: type.id }} aria-label={t("devicesOf", { name: type.name })}>
                  {t("show")}
                </Link>
              </td>
              {mayChange && (
                <td className={table["act"]}>
                  <Button
                    variant="subtle"
                    color="gray"
                    size="compact-sm"
                    aria-label={t("suggestNamed", { name: type.name })}
                    renderRoot={(props) => <Link to="/devices/types/new" search={{ type: type.id }} {...props} />}
                  >
                    {t("suggestChange")}
                  </Button>
                  <Button
                    variant="subtle"
                    color="gray"
                    size="compact-sm"
                    aria-label={t("deleteNamed", { name: type.name })}
                    onClick={() => {
                      setDoomed(type);
                      ask.open();
                    }}
                  >
                    {t("delete")}
                  </Button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {doomed !== null && <DeleteType key={doomed.id} type={doomed} opened={asking} onClose={ask.close} />}
    </>
  );
}
