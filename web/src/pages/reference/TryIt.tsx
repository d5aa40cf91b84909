/** The form of one operation: parameters, body, and the answer. */
import { Button, Group, Select, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Send, TriangleAlert } from "lucide-react";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "@/shell/CodeBlock";
import { FormFailure } from "@/shell/FormFailure";
import { AnswerView } from "./AnswerView";
import { send } from "./answer";
import type { Operation, Parameter } from "./document";
import classes from "./reference.module.css";
import { curlOf, missingParameter, requestOf } from "./request";

/** Operations that answer for as long as they are listened to. */
function isEndless(operation: Operation): boolean {
  return operation.path.startsWith("/ws/") || operation.answers.some(({ contentTypes }) => contentTypes.includes("text/event-stream"));
}

/** Operations that change something; statements at this address only read. */
function changes(operation: Operation): boolean {
  return operation.method !== "GET" && operation.path !== "/api/v1/sql";
}

/** The form. Remount it (by `key`) for another operation. */
export function TryIt({ operation }: { operation: Operation }) {
  const { t } = useTranslation("api");
  const first = operation.bodies[0];
  const [parameters, setParameters] = useState<Readonly<Record<string, string>>>({});
  const [contentType, setContentType] = useState(first?.contentType ?? "");
  const [body, setBody] = useState(first?.example ?? "");
  const [missing, setMissing] = useState<string | null>(null);
  const running = useRef<AbortController>(null);
  useEffect(() => () => running.current?.abort(), []);
  const request = requestOf(operation, { parameters, contentType, body });
  const answer = useMutation({
    mutationFn: () => {
      running.current?.abort();
      running.current = new AbortController();
      return send(request, running.current.signal);
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const lacking = missingParameter(operation, { parameters, contentType, body });
    setMissing(lacking);
    if (lacking === null) answer.mutate();
  };
  const command = (
    <CodeBlock
      text={curlOf(request, globalThis.location.origin, "TOKEN")}
      label={t("command")}
      copyLabel={t("commandCopy")}
    />
  );
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {operation.parameters.length > 0 && (
          <fieldset className={classes["parameters"]}>
            <legend>{t("parameters")}</legend>
            {operation.parameters.map((parameter) => {
              const key = `${parameter.in} ${parameter.name}`;
              return (
                <ParameterInput
                  key={key}
                  parameter={parameter}
                  value={parameters[key] ?? ""}
                  error={missing === parameter.name ? t("missing", { name: parameter.name }) : null}
                  onChange={(value) => {
                    setParameters((before) => ({ ...before, [key]: value }));
                  }}
                />
              );
            })}
          </fieldset>
        )}
        {operation.bodies.length > 1 && (
          <Select
            label={t("bodyType")}
            data={operation.bodies.map((kind) => kind.contentType)}
            value={contentType}
            allowDeselect={false}
            maw={320}
            onChange={(next) => {
              if (next === null) return;
              setContentType(next);
              setBody(operation.bodies.find((kind) => kind.contentType === next)?.example ?? "");
            }}
          />
        )}
        {operation.bodies.length > 0 && (
          <Textarea
            label={t("body")}
            value={body}
            autosize
            minRows={3}
            maxRows={16}
            spellCheck={false}
            classNames={{ input: "sn-mono" }}
            onChange={(event) => {
              setBody(event.currentTarget.value);
            }}
          />
        )}
        {isEndless(operation) ? (
          <>
            <Text c="dimmed">{t("stream")}</Text>
            {command}
          </>
        ) : (
          <>
            <Group gap="md">
              <Button type="submit" leftSection={<Send size={14} aria-hidden />} loading={answer.isPending}>
                {t("send")}
              </Button>
              {changes(operation) && (
                <Text c="var(--sn-warning)" className={classes["warning"]}>
                  <TriangleAlert size={14} aria-hidden /> {t("sendWarning")}
                </Text>
              )}
            </Group>
            <FormFailure error={answer.error} />
            {answer.data !== undefined && <AnswerView answer={answer.data} name={operation.path} />}
            <details>
              <summary>{t("command")}</summary>
              {command}
            </details>
          </>
        )}
        <Answers operation={operation} />
      </Stack>
    </form>
  );
}

interface ParameterInputProps {
  parameter: Parameter;
  value: string;
  error: string | null;
  onChange: (value: string) => void;
}

function ParameterInput({ parameter, value, error, onChange }: ParameterInputProps) {
  const { t } = useTranslation("api");
  const facts = [t(`in.${parameter.in}`), ...(parameter.required ? [t("required")] : [])].join(", ");
  const description = parameter.description === "" ? facts : `${parameter.description} (${facts})`;
  const choices = parameter.schema.enum?.map(String) ?? (parameter.schema.type === "boolean" ? ["true", "false"] : null);
  if (choices !== null) {
    return (
      <Select
        label={parameter.name}
        description={description}
        data={choices}
        value={value === "" ? null : value}
        placeholder={t("unset")}
        error={error}
        clearable
        clearButtonProps={{ "aria-label": t("unset") }}
        onChange={(next) => {
          onChange(next ?? "");
        }}
      />
    );
  }
  return (
    <TextInput
      label={parameter.name}
      description={description}
      value={value}
      error={error}
      autoComplete="off"
      spellCheck={false}
      classNames={{ input: "sn-mono" }}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
    />
  );
}

function Answers({ operation }: { operation: Operation }) {
  const { t } = useTranslation("api");
  return (
    <section>
      <Title order={3}>{t("answers")}</Title>
      <dl className={classes["answers"]}>
        {operation.answers.map(({ status, description, contentTypes }) => (
          <div key={status}>
            <dt className="sn-mono">{status}</dt>
            <dd>
              {description} <span className="sn-dim">{contentTypes.join(", ")}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
