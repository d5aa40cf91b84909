/** A titled surface that holds one instrument. */
import { type ReactNode, useId } from "react";
import classes from "./Panel.module.css";

export interface PanelProps {
  title: string;
  /** What the figures are of, such as the disks that are added up. */
  note?: string | undefined;
  controls?: ReactNode;
  children: ReactNode;
}

export function Panel({ title, note, controls, children }: PanelProps) {
  const id = useId();
  return (
    <section className={`sn-panel ${classes["panel"] ?? ""}`} aria-labelledby={id}>
      <header className={classes["head"]}>
        <h2 className={classes["title"]} id={id}>
          {title}
        </h2>
        {note !== undefined && (
          <span className={classes["note"]} title={note}>
            {note}
          </span>
        )}
        <div className={classes["controls"]}>{controls}</div>
      </header>
      {children}
    </section>
  );
}
