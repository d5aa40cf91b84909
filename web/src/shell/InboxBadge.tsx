/** How many devices wait in the inbox. The navigation fetches it once it is drawn; it asks once a minute. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { inboxQuery, waitingIn } from "@/api/inbox";
import classes from "./InboxBadge.module.css";

/** The page of the inbox asks more often, and this shows what it was told. */
const BADGE_MS = 60_000;
/** More than this is not counted out. */
const MOST = 99;

/** The number, or nothing. */
export default function InboxBadge() {
  const { t } = useTranslation();
  const { data } = useQuery({ ...inboxQuery, select: waitingIn, staleTime: BADGE_MS, refetchInterval: BADGE_MS });
  if (data === undefined || data === 0) return null;
  return (
    <span className={classes["badge"]}>
      <span aria-hidden>{data > MOST ? `${MOST}+` : data}</span>
      <span className="sn-hidden">{t("nav.waiting", { count: data })}</span>
    </span>
  );
}
