/** The second step of signing in: the password was right, now a code is asked for. */
import { Button, Group } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/api/client";
import { needsSecondFactor } from "@/api/secondFactor";
import { FormFailure } from "./FormFailure";
import { SecondFactorField } from "./SecondFactorField";

/** Properties of {@link SecondFactorStep}. */
export interface SecondFactorStepProps {
  /** What the button says. */
  submit: string;
  isPending: boolean;
  /** Why the code that was sent last was refused. */
  failure: Error | null;
  onSend: (code: string) => void;
  onBack: () => void;
}

/** A form with the one field; a wrong code is said at the field, anything else below it. */
export function SecondFactorStep({ submit, isPending, failure, onSend, onBack }: SecondFactorStepProps) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  const [isMissing, setMissing] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  useEffect(() => {
    place.current?.querySelector("input")?.focus();
  }, []);
  const isWrong = needsSecondFactor(failure);
  return (
    <form
      ref={place}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setMissing(code.trim() === "");
        if (code.trim() === "") place.current?.querySelector("input")?.focus();
        else onSend(code.trim());
      }}
    >
      <SecondFactorField
        value={code}
        onChange={(value) => {
          setCode(value);
          setMissing(false);
        }}
        problem={isMissing ? t("secondFactor.missing") : isWrong ? sentence(failure) : undefined}
        refusal={isWrong ? failure : null}
      />
      <FormFailure error={isWrong ? null : failure} />
      <Group gap="sm" grow preventGrowOverflow={false}>
        <Button variant="default" onClick={onBack}>
          {t("secondFactor.back")}
        </Button>
        <Button type="submit" loading={isPending}>
          {submit}
        </Button>
      </Group>
    </form>
  );
}

/** The server's words, which begin small, as a sentence at a field. */
function sentence(error: unknown): string {
  const text = sentenceOf(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
