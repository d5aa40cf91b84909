/** Asking for an account; an administrator decides. */
import { Anchor, Button, PasswordInput, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { passwordResetQuery, registrationQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { Loading } from "@/shell/Loading";

/** The server refuses shorter ones. */
const PASSWORD_CHARACTERS = 10;

/** The page `/register`. */
export default function RegisterPage() {
  const { t } = useTranslation("register");
  const registration = useQuery(registrationQuery);
  const isClosed = registration.data?.open === false;
  return (
    <FrontDoor title={t(isClosed ? "closed" : "title")} description={t(isClosed ? "closedBody" : "description")}>
      <FormFailure error={registration.error} />
      {registration.isPending && <Loading />}
      {registration.data?.open === true && <RegisterForm />}
      <Anchor component={Link} to="/login">
        {t("signIn")}
      </Anchor>
    </FrontDoor>
  );
}

function RegisterForm() {
  const { t } = useTranslation("register");
  // Without mail nobody could be told.
  const mails = useQuery(passwordResetQuery).data?.open === true;
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { login: "", name: "", email: "", password: "" },
    validate: {
      login: (value) => (value.trim() === "" ? t("loginMissing") : null),
      password: (value) =>
        Array.from(value).length < PASSWORD_CHARACTERS ? t("passwordShort", { count: PASSWORD_CHARACTERS }) : null,
    },
  });
  const ask = useMutation({
    mutationFn: async ({ login, name, email, password }: typeof form.values) => {
      const address = email.trim() === "" ? {} : { email: email.trim() };
      const sent = { login: login.trim(), name: name.trim(), password, ...address };
      await api.POST("/api/v1/registration", { body: sent });
      return sent.login;
    },
    // There is a password in it.
    gcTime: 0,
  });
  if (ask.isSuccess) {
    return (
      <div role="status">
        <Text fw={600}>{t("asked")}</Text>
        <Text>{t("askedBody", { login: ask.data })}</Text>
      </div>
    );
  }
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        ask.mutate(values);
      })}
    >
      <TextInput
        label={t("login")}
        description={t("loginHint")}
        maxLength={64}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus
        key={form.key("login")}
        {...form.getInputProps("login")}
      />
      <TextInput
        label={t("name")}
        description={t("nameHint")}
        maxLength={100}
        autoComplete="name"
        key={form.key("name")}
        {...form.getInputProps("name")}
      />
      {mails && (
        <TextInput
          type="email"
          label={t("email")}
          description={t("emailHint")}
          maxLength={254}
          autoComplete="email"
          spellCheck={false}
          key={form.key("email")}
          {...form.getInputProps("email")}
        />
      )}
      <PasswordInput
        label={t("password")}
        description={t("passwordHint", { count: PASSWORD_CHARACTERS })}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
        key={form.key("password")}
        {...form.getInputProps("password")}
      />
      <FormFailure error={ask.error} />
      <Button type="submit" loading={ask.isPending}>
        {t("submit")}
      </Button>
    </form>
  );
}
