/** What is wrong at a place. */
import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Problem } from "./placed";
import classes from "./templateNew.module.css";

/** Properties of {@link Problems}. */
export interface ProblemsProps {
  problems: readonly Problem[] | undefined;
  /** Whether each is told with its place. */
  withPlace?: boolean;
}

/** A list with icons; nothing when nothing is wrong. */
export function Problems({ problems, withPlace = false }: ProblemsProps) {
  const { t } = useTranslation("templates");
  if (problems === undefined || problems.length === 0) return null;
  return (
    <ul className={classes["problems"]}>
      {problems.map(({ place, line, text }) => (
        <li key={`${place} ${line ?? ""} ${text}`}>
          <CircleAlert size={14} aria-hidden />
          <span>
            {withPlace && `${place}: `}
            {line === null ? text : t("atLine", { line, text })}
          </span>
        </li>
      ))}
    </ul>
  );
}
