/** Creates the first administrator with the one-time code that the server printed, and signs in. */
import { Button, PasswordInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { sessionOf, sessionQuery, setupQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { codeInFragment } from "./code";

/** The server refuses shorter ones. */
const PASSWORD_CHARACTERS = 10;

/** The page `/setup`. */
export default function SetupPage() {
  const { t } = useTranslation("setup");
  const navigate = useNavigate();
  const client = useQueryClient();
  const [code] = useState(() => codeInFragment(globalThis.location.hash));
  useEffect(() => {
    // A code left in the address bar would stay in the browser's history.
    if (globalThis.location.hash !== "") void navigate({ to: "/setup", hash: "", replace: true });
  }, [navigate]);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { code, organisation: "", login: "", password: "" },
    validate: {
      code: (value) => (value.trim() === "" ? t("codeMissing") : null),
      organisation: (value) => (value.trim() === "" ? t("organisationMissing") : null),
      login: (value) => (value.trim() === "" ? t("loginMissing") : null),
      password: (value) =>
        Array.from(value).length < PASSWORD_CHARACTERS ? t("passwordShort", { count: PASSWORD_CHARACTERS }) : null,
    },
  });
  const setUp = useMutation({
    mutationFn: async (values: typeof form.values) => body(await api.POST("/api/v1/setup", { body: values })),
    onSuccess: async (session) => {
      client.setQueryData(sessionQuery.queryKey, sessionOf(session));
      client.setQueryData(setupQuery.queryKey, { needed: false });
      await navigate({ to: "/" });
    },
  });
  return (
    <FrontDoor title={t("heading")} description={t("description")}>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => {
          setUp.mutate({
            code: values.code.trim(),
            organisation: values.organisation.trim(),
            login: values.login.trim(),
            password: values.password,
          });
        })}
      >
        {code !== "" && <Text c="dimmed">{t("codeFound")}</Text>}
        <TextInput
          label={t("code")}
          description={code === "" ? t("codeHint") : undefined}
          autoComplete="off"
          spellCheck={false}
          classNames={{ input: "sn-mono" }}
          key={form.key("code")}
          {...form.getInputProps("code")}
        />
        <TextInput
          label={t("organisation")}
          description={t("organisationHint")}
          autoComplete="organization"
          key={form.key("organisation")}
          {...form.getInputProps("organisation")}
        />
        <TextInput
          label={t("login")}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          key={form.key("login")}
          {...form.getInputProps("login")}
        />
        <PasswordInput
          label={t("password")}
          description={t("passwordHint", { count: PASSWORD_CHARACTERS })}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <FormFailure error={setUp.error} />
        <Button type="submit" loading={setUp.isPending}>
          {t("submit")}
        </Button>
      </form>
    </FrontDoor>
  );
}
