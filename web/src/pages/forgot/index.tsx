/** Asking for a link that chooses another password; the answer is the same whoever is named. */
import { Anchor, Button, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { passwordResetQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { Loading } from "@/shell/Loading";

/** The page `/forgot`. */
export default function ForgotPage() {
  const { t } = useTranslation("forgot");
  const reset = useQuery(passwordResetQuery);
  return (
    <FrontDoor title={t("title")} description={t(reset.data?.open === false ? "closed" : "description")}>
      <FormFailure error={reset.error} />
      {reset.isPending && <Loading />}
      {reset.data?.open === true && <ForgotForm />}
      <Anchor component={Link} to="/login">
        {t("signIn")}
      </Anchor>
    </FrontDoor>
  );
}

function ForgotForm() {
  const { t } = useTranslation("forgot");
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { account: "" },
    validate: { account: (value) => (value.trim() === "" ? t("accountMissing") : null) },
  });
  const ask = useMutation({
    mutationFn: ({ account }: typeof form.values) =>
      api.POST("/api/v1/password-reset/request", { body: { account: account.trim() } }),
  });
  if (ask.isSuccess) {
    return (
      <div role="status">
        <Text fw={600}>{t("asked")}</Text>
        <Text>{t("askedBody")}</Text>
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
        label={t("account")}
        maxLength={254}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus
        key={form.key("account")}
        {...form.getInputProps("account")}
      />
      <FormFailure error={ask.error} />
      <Button type="submit" loading={ask.isPending}>
        {t("submit")}
      </Button>
    </form>
  );
}
