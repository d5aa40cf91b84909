/** A field for code with the numbers of its lines beside it; the wrong ones are marked until the text changes. */
import classes from "./CodeField.module.css";

/** Properties of {@link CodeField}. */
export interface CodeFieldProps {
  value: string;
  label: string;
  /** Lines that are wrong, from 1. */
  wrong: readonly number[];
  onChange: (value: string) => void;
}

const LEAST_ROWS = 8;

/** As high as its text, so that the numbers need not scroll with it. */
export function CodeField({ value, label, wrong, onChange }: CodeFieldProps) {
  const lines = value.split("\n").length;
  return (
    <div className={classes["field"]}>
      <ol className={classes["numbers"]} aria-hidden>
        {Array.from({ length: lines }, (_, index) => (
          <li key={index} data-wrong={wrong.includes(index + 1)}>
            {index + 1}
          </li>
        ))}
      </ol>
      <textarea
        aria-label={label}
        aria-invalid={wrong.length > 0}
        className={classes["text"]}
        rows={Math.max(lines, LEAST_ROWS)}
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </div>
  );
}
