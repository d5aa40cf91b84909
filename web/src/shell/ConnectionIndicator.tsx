/** The state of the live stream: always an icon and a word. Its own chunk, since it brings the stream's decoder. */
import { Radio, Turtle, Unplug, Zap } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useLiveState } from "@/live";
import classes from "./ConnectionIndicator.module.css";

/** Properties of {@link ConnectionIndicator}. */
export interface ConnectionIndicatorProps {
  /** Told when the server stops answering and when it answers again. */
  onReachable: (reachable: boolean) => void;
}

/** A small badge in the top bar. */
export default function ConnectionIndicator({ onReachable }: ConnectionIndicatorProps) {
  const { t } = useTranslation();
  const { status, transport } = useLiveState();
  useEffect(() => {
    onReachable(status !== "offline");
  }, [status, onReachable]);
  const fallback = status === "degraded" && transport === "sse";
  const shown = {
    live: { icon: Radio, word: t("connection.live"), detail: null },
    reconnecting: { icon: Zap, word: t("connection.connecting"), detail: null },
    degraded: {
      icon: Turtle,
      word: t(fallback ? "connection.fallback" : "connection.slow"),
      detail: t(fallback ? "connection.fallbackDetail" : "connection.slowDetail"),
    },
    offline: { icon: Unplug, word: t("connection.offline"), detail: null },
  }[status];
  const Icon = shown.icon;
  return (
    <span className={classes["badge"]} data-status={status} role="status" title={shown.detail ?? undefined}>
      <Icon size={14} aria-hidden />
      <span className={classes["word"]}>{shown.word}</span>
      {shown.detail !== null && <span className="sn-hidden">{shown.detail}</span>}
    </span>
  );
}
