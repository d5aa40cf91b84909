/** Where a submission stands: by icon and word. */
import { CircleCheck, CircleSlash, Clock, Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { SubmissionStatus } from "@/api/submissions";
import classes from "./templates.module.css";

const icons = { waiting: Clock, accepted: CircleCheck, returned: Undo2, withdrawn: CircleSlash };

/** Icon and word. */
export function Status({ status }: { status: SubmissionStatus }) {
  const { t } = useTranslation("templates");
  const Icon = icons[status];
  return (
    <span className={classes["status"]} data-status={status}>
      <Icon size={14} aria-hidden />
      {t(`status_${status}`)}
    </span>
  );
}
