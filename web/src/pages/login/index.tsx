/** Sign in with login and password or a provider, and with a code where there is a second factor. */
import { Anchor, Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, body } from "@/api/client";
import { passwordResetQuery, registrationQuery, sessionOf, sessionQuery } from "@/api/queries";
import type { components } from "@/api/schema";
import { needsSecondFactor } from "@/api/secondFactor";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { SecondFactorStep } from "@/shell/SecondFactorStep";
import { ProviderButton, ProviderCode } from "./Provider";

/** The page `/login`. */
export default function LoginPage() {
  const { t } = useTranslation("login");
  const router = useRouter();
  const client = useQueryClient();
  const registration = useQuery(registrationQuery);
  const reset = useQuery(passwordResetQuery);
  const door = registration.data?.oidc;
  const [isBack, setBack] = useState(false);
  const next = useSearch({ from: "/login", select: (search) => search.next });
  // What is sent again with the code; in this tab's memory only, until signed in or back.
  const [waiting, setWaiting] = useState<{ login: string; password: string } | null>(null);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { login: "", password: "" },
    validate: {
      login: (value) => (value.trim() === "" ? t("loginMissing") : null),
      password: (value) => (value === "" ? t("passwordMissing") : null),
    },
  });
  const signIn = useMutation({
    mutationFn: async (sent: components["schemas"]["SignInRequest"]) =>
      body(await api.POST("/api/v1/session", { body: sent })),
    onSuccess: (session) => {
      client.setQueryData(sessionQuery.queryKey, sessionOf(session));
      router.history.push(next ?? "/");
    },
    onError: (error, { login, password }) => {
      if (needsSecondFactor(error)) {
        setWaiting({ login, password });
      } else if (error instanceof ApiError && error.status === 401) {
        // With a code, too: the password was changed meanwhile.
        setWaiting(null);
        form.getInputNode("password")?.focus();
      }
    },
    // There is a password in it.
    gcTime: 0,
  });
  if (door?.second_factor_needed === true && !isBack) {
    return (
      <ProviderCode
        name={door.name}
        next={next ?? "/"}
        onBack={() => {
          setBack(true);
        }}
      />
    );
  }
  if (waiting !== null) {
    return (
      <FrontDoor title={t("title")} description={t("codeWanted", { login: waiting.login })}>
        <SecondFactorStep
          submit={t("submit")}
          isPending={signIn.isPending}
          failure={signIn.variables?.second_factor === undefined ? null : signIn.error}
          onSend={(code) => {
            signIn.mutate({ ...waiting, second_factor: code });
          }}
          onBack={() => {
            setWaiting(null);
            signIn.reset();
          }}
        />
      </FrontDoor>
    );
  }
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
      {reset.data?.open === true && (
        <Anchor component={Link} to="/forgot">
          {t("forgot")}
        </Anchor>
      )}
      {door != null && <ProviderButton door={door} />}
      {registration.data?.open === true && (
        <Anchor component={Link} to="/register">
          {t("register")}
        </Anchor>
      )}
    </FrontDoor>
  );
}
