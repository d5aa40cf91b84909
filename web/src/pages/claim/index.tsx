/** Where a claim link leads: an API token of the device, shown once, without an account. */
import { Button, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import type { components } from "@/api/schema";
import { codeInFragment } from "@/pages/setup/code";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { Secret } from "@/shell/Secret";
import classes from "./claim.module.css";

type Claimed = components["schemas"]["ClaimedDevice"];

/** The page `/claim`. */
export default function ClaimPage() {
  const { t } = useTranslation("claim");
  const navigate = useNavigate();
  const [code] = useState(() => codeInFragment(globalThis.location.hash));
  useEffect(() => {
    // A code left in the address bar would stay in the browser's history.
    if (globalThis.location.hash !== "") void navigate({ to: "/claim", hash: "", replace: true });
  }, [navigate]);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { code },
    validate: { code: (value) => (value.trim() === "" ? t("codeMissing") : null) },
  });
  const claim = useMutation({
    mutationFn: async (sent: typeof form.values) =>
      body(await api.POST("/api/v1/claims", { body: { code: sent.code.trim() } })),
    // There is a secret in it.
    gcTime: 0,
  });
  if (claim.isSuccess) return <Done claimed={claim.data} />;
  return (
    <FrontDoor title={t("title")} description={t("description")}>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => {
          claim.mutate(values);
        })}
      >
        {code === "" && (
          <TextInput
            label={t("code")}
            description={t("codeHint")}
            autoComplete="off"
            spellCheck={false}
            classNames={{ input: "sn-mono" }}
            key={form.key("code")}
            {...form.getInputProps("code")}
          />
        )}
        <FormFailure error={claim.error} />
        <Button type="submit" loading={claim.isPending}>
          {t("submit")}
        </Button>
      </form>
    </FrontDoor>
  );
}

function Done({ claimed: { device, table, database, token } }: { claimed: Claimed }) {
  const { t } = useTranslation("claim");
  const { origin } = globalThis.location;
  const label = t("token", { device });
  const facts = [
    { label: t("device"), value: device },
    { label: t("server"), value: origin },
    { label: t("database"), value: database ?? t("anyDatabase") },
    ...(table === null ? [] : [{ label: t("table"), value: table }]),
  ];
  return (
    <FrontDoor title={t("claimed", { device })} description={t("once")}>
      <Secret text={token} label={label} />
      <CopyButton text={token} label={label} />
      <dl className={classes["facts"]}>
        {facts.map((fact) => (
          <div key={fact.label}>
            <dt>{fact.label}</dt>
            <dd>{fact.value}</dd>
          </div>
        ))}
      </dl>
      <Text fw={600}>{t("try")}</Text>
      <pre className={`sn-mono ${classes["try"] ?? ""}`}>
        {`curl -H "Authorization: Bearer $TOKEN" \\\n  '${origin}/write?db=${database ?? "main"}' \\\n  --data-binary '${table ?? "readings"} value=1'`}
      </pre>
    </FrontDoor>
  );
}
