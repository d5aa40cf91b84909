/** Sign in with login and password. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { sessionOf, sessionQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";

/** The page `/login`. */
export default function LoginPage() {
  const { t } = useTranslation("login");
  const router = useRouter();
  const client = useQueryClient();
  const next = useSearch({ from: "/login", select: (search) => search.next });
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { login: "", password: "" },
    validate: {
      login: (value) => (value.trim() === "" ? t("loginMissing") : null),
      password: (value) => (value === "" ? t("passwordMissing") : null),
    },
  });
  const signIn = useMutation({
    mutationFn: async (values: { login: string; password: string }) =>
      body(await api.POST("/api/v1/session", { body: values })),
    onSuccess: (session) => {
      client.setQueryData(sessionQuery.queryKey, sessionOf(session));
      router.history.push(next ?? "/");
    },
    onError: () => {
      form.getInputNode("password")?.focus();
    },
  });
  return (
    <FrontDoor title={t("title")}>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => {
          signIn.mutate({ ...values, login: values.login.trim() });
        })}
      >
        <TextInput
          label={t("login")}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
          key={form.key("login")}
          {...form.getInputProps("login")}
        />
        <PasswordInput
          label={t("password")}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <FormFailure error={signIn.error} />
        <Button type="submit" loading={signIn.isPending}>
          {t("submit")}
        </Button>
      </form>
    </FrontDoor>
  );
}
