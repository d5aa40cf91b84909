/** The list of groups: a table on a desktop, one card per group on a phone. */
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Group } from "@/api/groups";
import table from "@/shell/CardTable.module.css";
import { PARTS } from "./form";
import classes from "./groups.module.css";

/** All groups, with how much is in each. */
export function GroupTable({ groups }: { groups: readonly Group[] }) {
  const { t, i18n } = useTranslation("groups");
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("list")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("name")}</th>
          <th scope="col">{t("about")}</th>
          {PARTS.map((part) => (
            <th key={part} scope="col">
              {t(part)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <tr key={group.id}>
            <th scope="row">
              <Link to="/groups/$id" params={{ id: group.id }}>
                {group.name}
              </Link>
            </th>
            <td data-label={t("about")} className={classes["about"]}>
              {group.description === "" ? <span className="sn-dim">{t("nothing")}</span> : <span>{group.description}</span>}
            </td>
            {PARTS.map((part) => (
              <td key={part} data-label={t(part)} className="sn-num">
                {number.format(group[part].length)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
