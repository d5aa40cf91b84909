/** A text that is shown once: selected with one click, read out when it appears. */
import classes from "./Secret.module.css";

/** Shows the text; `label` says what it is. */
export function Secret({ text, label }: { text: string; label: string }) {
  return (
    <output className={classes["secret"]} aria-label={label}>
      {text}
    </output>
  );
}
