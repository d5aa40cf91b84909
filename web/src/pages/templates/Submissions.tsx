/** What people submitted: a table on a desktop, one card per version on a phone. */
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Submission } from "@/api/submissions";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import { Status } from "./Status";
import classes from "./templates.module.css";

/** Properties of {@link Submissions}. */
export interface SubmissionsProps {
  submissions: readonly Submission[];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

/** The newest first. */
export function Submissions({ submissions, now }: SubmissionsProps) {
  const { t } = useTranslation("templates");
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("submissions")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("name")}</th>
          <th scope="col">{t("kind")}</th>
          <th scope="col">{t("version")}</th>
          <th scope="col">{t("status")}</th>
          <th scope="col">{t("author")}</th>
          <th scope="col">{t("submitted")}</th>
          <th scope="col">{t("reviewer")}</th>
        </tr>
      </thead>
      <tbody>
        {submissions.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <span>
                <Link to="/templates/$id" params={{ id: one.id }}>
                  {one.title}
                </Link>
                {one.kind === "template" && <span className={`sn-mono ${classes["id"] ?? ""}`}> {one.subject}</span>}
              </span>
            </th>
            <td data-label={t("kind")}>{t(`kind_${one.kind}`)}</td>
            <td data-label={t("version")} className="sn-num">
              {one.version}
            </td>
            <td data-label={t("status")}>
              <Status status={one.status} />
            </td>
            <td data-label={t("author")} className={classes["author"]}>
              {one.own ? t("you") : (one.author ?? t("unknown"))}
            </td>
            <td data-label={t("submitted")}>
              <Moment time={new Date(one.submitted_at)} now={now} />
            </td>
            <td data-label={t("reviewer")} className={classes["author"]}>
              {one.reviewer ?? <span className="sn-dim">{t("nobody")}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
