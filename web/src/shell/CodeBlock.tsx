/** Text to copy, in its own scrolling box that the keyboard reaches. */
import type { ReactNode } from "react";
import { CopyButton } from "./CopyButton";
import classes from "./CodeBlock.module.css";

/** Properties of {@link CodeBlock}. */
export interface CodeBlockProps {
  text: string;
  /** Names the box for screen readers. */
  label: string;
  /** Names what the button copies. */
  copyLabel: string;
  /** What else can be done with it, beside the copy button. */
  actions?: ReactNode;
  /** The same text as it is shown, such as in colours. */
  children?: ReactNode;
}

/** A block of code with a copy button. */
export function CodeBlock({ text, label, copyLabel, actions, children }: CodeBlockProps) {
  return (
    <div className={classes["block"]}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must take the focus */}
      <pre role="region" aria-label={label} tabIndex={0}>
        <code>{children ?? text}</code>
      </pre>
      <div className={classes["copy"]}>
        {actions}
        <CopyButton text={text} label={copyLabel} />
      </div>
    </div>
  );
}
