/** Whether a device may write: by icon and word. */
import { useTranslation } from "react-i18next";
import classes from "./devices.module.css";

/** Enabled or disabled. */
export function State({ enabled }: { enabled: boolean }) {
  const { t } = useTranslation("devices");
  return <PlainState enabled={enabled} word={t(enabled ? "enabled" : "disabled")} />;
}

/** The same for long lists, which ask for the words once. Both states have the same elements, so that one becomes the other quickly. */
export function PlainState({ enabled, word }: { enabled: boolean; word: string }) {
  return (
    <span className={classes["state"]} data-enabled={enabled}>
      <svg width={14} height={14} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={2} strokeLinecap="round" aria-hidden>
        <circle cx={12} cy={12} r={10} />
        <path d={enabled ? "m9 12 2 2 4-4" : "M10 15V9M14 15V9"} />
      </svg>
      {word}
    </span>
  );
}
