/** What stands in a row of the tree: the level, the last message on it, and how many come on it and below it. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Age } from "@/charts";
import { spoken } from "@/charts/format";
import { type Payload, previewOf } from "./payload";
import { rateOf, type TopicNode } from "./topics";
import classes from "./tree.module.css";

/** A topic is late after a minute without a message: how often one is expected is not known. */
export const EVERY_MS = 20_000;

/** Properties of {@link Branch}. */
export interface BranchProps {
  node: TopicNode;
  /** Milliseconds since the epoch. */
  now: number;
  /** What opens and closes it. */
  children: ReactNode;
}

/** The cells. */
export function Branch({ node, now, children }: BranchProps) {
  const { t, i18n } = useTranslation("mqtt");
  const { level, last, count, at } = node;
  const rate = rateOf(node, now);
  return (
    <>
      <span className={classes["level"]}>
        {children}
        {level === "" ? <i>{t("emptyLevel")}</i> : <span className={classes["name"]}>{level}</span>}
      </span>
      <span className={classes["preview"]}>{last !== null && <Preview payload={last} />}</span>
      <span className={classes["number"]}>
        <span aria-hidden>{new Intl.NumberFormat(i18n.language).format(count)}</span>
        <span className="sn-hidden">{t("countSpoken", { count })}</span>
      </span>
      <span className={classes["number"]}>{rate > 0 && t("perSecond", { rate: rate.toFixed(1) })}</span>
      <span className={classes["number"]}>
        <Age time={at} everyMs={EVERY_MS} />
      </span>
    </>
  );
}

/** A payload in one line. */
export function Preview({ payload }: { payload: Payload }) {
  const { t } = useTranslation("mqtt");
  const text = previewOf(payload);
  if (text !== null) return <span className="sn-mono">{text}</span>;
  return <span className="sn-dim">{payload.bytes === 0 ? t("emptyPayload") : t("binary", { size: spoken(payload.bytes, "bytes") })}</span>;
}
