/** Says in a dialog that somebody else changed the thing meanwhile, and what is different by now. */
import { Text } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./ConflictNotice.module.css";

/** Properties of {@link ConflictNotice}. */
export interface ConflictNoticeProps {
  title: string;
  /** What is different, in words; empty when it is something that is not shown. */
  found: readonly { label: string; was: string; is: string }[];
}

/** Fact by fact; read out when it appears. */
export function ConflictNotice({ title, found }: ConflictNoticeProps) {
  const { t } = useTranslation();
  return (
    <div role="alert" className={classes["conflict"]}>
      <p className={classes["title"]}>
        <TriangleAlert size={16} aria-hidden />
        {title}
      </p>
      {found.length === 0 ? (
        <Text c="dimmed">{t("conflict.unseen")}</Text>
      ) : (
        <dl>
          {found.map(({ label, was, is }) => (
            <div key={`${label} ${was} ${is}`}>
              <dt>{label}</dt>
              <dd>{t("conflict.wasIs", { was, is })}</dd>
            </div>
          ))}
        </dl>
      )}
      <Text>{t("conflict.choice")}</Text>
    </div>
  );
}
