/** Text to copy, in its own scrolling box that the keyboard reaches. */
import { CopyButton } from "./CopyButton";
import classes from "./CodeBlock.module.css";

/** Properties of {@link CodeBlock}. */
export interface CodeBlockProps {
  text: string;
  /** Names the box for screen readers. */
  label: string;
  /** Names what the button copies. */
  copyLabel: string;
}

/** A block of code with a copy button. */
export function CodeBlock({ text, label, copyLabel }: CodeBlockProps) {
  return (
    <div className={classes["block"]}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must take the focus */}
      <pre role="region" aria-label={label} tabIndex={0}>
        <code>{text}</code>
      </pre>
      <div className={classes["copy"]}>
        <CopyButton text={text} label={copyLabel} />
      </div>
    </div>
  );
}
