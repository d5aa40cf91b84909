/** The sentence under a form whose request was refused. */
import { CircleAlert } from "lucide-react";
import { sentenceOf } from "@/api/client";
import classes from "./FormFailure.module.css";

/** Shows what was thrown, and is read out when it appears. */
export function FormFailure({ error }: { error: unknown }) {
  return (
    <div role="alert" className={classes["place"]}>
      {error !== null && error !== undefined && (
        <p className={classes["failure"]}>
          <CircleAlert size={16} aria-hidden />
          <span>{sentenceOf(error)}</span>
        </p>
      )}
    </div>
  );
}
