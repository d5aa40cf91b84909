/** How a device on a plan is doing: by a sign and a word, never by colour alone. */
import { CircleDot, CircleHelp, CirclePause, Clock, type LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./place.module.css";
import type { Condition } from "./standing";

const SIGNS: Record<Condition, LucideIcon> = {
  fresh: CircleDot,
  stale: Clock,
  silent: CircleHelp,
  disabled: CirclePause,
};

/** The sign alone, where words stand beside it or do not fit. */
export function Sign({ condition }: { condition: Condition }) {
  const Icon = SIGNS[condition];
  return <Icon size={16} aria-hidden />;
}

/** Sign and word. */
export function ConditionWord({ condition }: { condition: Condition }) {
  const { t } = useTranslation("places");
  return (
    <span className={classes["condition"]} data-condition={condition}>
      <Sign condition={condition} />
      {t(`is_${condition}`)}
    </span>
  );
}
