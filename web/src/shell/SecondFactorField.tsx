/** Takes a code of the authenticator app, or a recovery code in its place. */
import { Button, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./SecondFactorField.module.css";

/** Properties of {@link SecondFactorField}. */
export interface SecondFactorFieldProps {
  value: string;
  onChange: (value: string) => void;
  /** What is wrong with it. */
  problem?: ReactNode;
  /** Changes with each refusal of a code; the field then takes the focus, so that the next one can be typed at once. */
  refusal?: unknown;
}

/** One field; which of the two is asked for decides the keyboard that a phone shows, either is taken. */
export function SecondFactorField({ value, onChange, problem, refusal }: SecondFactorFieldProps) {
  const { t } = useTranslation();
  const [isRecovery, setRecovery] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (refusal !== undefined && refusal !== null) input.current?.select();
  }, [refusal]);
  return (
    <div className={classes["field"]}>
      <TextInput
        ref={input}
        label={t(isRecovery ? "secondFactor.recovery" : "secondFactor.code")}
        description={t(isRecovery ? "secondFactor.recoveryHint" : "secondFactor.codeHint")}
        error={problem}
        autoComplete="one-time-code"
        inputMode={isRecovery ? "text" : "numeric"}
        autoCapitalize="none"
        spellCheck={false}
        maxLength={64}
        classNames={{ input: "sn-mono" }}
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
      <Button
        variant="subtle"
        size="compact-sm"
        onClick={() => {
          setRecovery(!isRecovery);
          onChange("");
          input.current?.focus();
        }}
      >
        {t(isRecovery ? "secondFactor.useCode" : "secondFactor.useRecovery")}
      </Button>
    </div>
  );
}
