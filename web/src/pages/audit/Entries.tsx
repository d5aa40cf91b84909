/** The changes: a table on a desktop, one card per change on a phone. */
import { useTranslation } from "react-i18next";
import type { AuditItem } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import classes from "./audit.module.css";
import { type Change, changesOf } from "./diff";
import { isAction, isTarget } from "./words";

/** A page of the record. */
export function Entries({ entries, isStale }: { entries: readonly AuditItem[]; isStale: boolean }) {
  const { t, i18n } = useTranslation("audit");
  const clock = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "medium" });
  return (
    <table className={`sn-panel ${table["table"] ?? ""} ${classes["entries"] ?? ""}`} aria-busy={isStale}>
      <caption className="sn-hidden">{t("list")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("when")}</th>
          <th scope="col">{t("who")}</th>
          <th scope="col">{t("what")}</th>
          <th scope="col">{t("changes")}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id}>
            <td data-label={t("when")} className={classes["when"]}>
              <time dateTime={entry.at}>{clock.format(new Date(entry.at))}</time>
            </td>
            <td data-label={t("who")} className={classes["who"]}>
              <Actor entry={entry} />
            </td>
            <th scope="row">
              <span>
                {isAction(entry.action) ? t(`action.${entry.action}`) : entry.action}
                <span className={classes["thing"]}>
                  {" "}
                  {isTarget(entry.target) ? t(`target.${entry.target}`) : entry.target}{" "}
                </span>
                {entry.name}
              </span>
            </th>
            <td data-label={t("changed")}>
              <Changes changes={changesOf(entry.before, entry.after)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Actor({ entry }: { entry: AuditItem }) {
  const { t } = useTranslation("audit");
  const { actor, actor_id: id, actor_kind: kind } = entry;
  if (kind === "system") return <span className="sn-dim">{t("system")}</span>;
  if (kind === "anonymous") return <span className="sn-dim">{t("anonymous")}</span>;
  return (
    <span>
      {actor ?? id ?? t("unknown")}
      {kind === "token" && <span className="sn-dim"> · {t("target.token")}</span>}
    </span>
  );
}

function Changes({ changes }: { changes: readonly Change[] }) {
  const { t } = useTranslation("audit");
  if (changes.length === 0) return <span className="sn-dim">{t("noChanges")}</span>;
  return (
    <ul className={classes["changes"]}>
      {changes.map(({ path, kind, before, after }) => (
        <li key={path} data-kind={kind}>
          {path !== "" && <span className={classes["path"]}>{path} </span>}
          {before !== null && (
            <del>
              <span className="sn-hidden">{t("was")} </span>
              <Value text={before} />
            </del>
          )}
          {kind === "changed" && <span aria-hidden> → </span>}
          {after !== null && kind === "fact" && <Value text={after} />}
          {after !== null && kind !== "fact" && (
            <ins>
              <span className="sn-hidden">{t("is")} </span>
              <Value text={after} />
            </ins>
          )}
        </li>
      ))}
    </ul>
  );
}

function Value({ text }: { text: string }) {
  const { t } = useTranslation("audit");
  return text === "" ? <i>{t("empty")}</i> : text;
}
