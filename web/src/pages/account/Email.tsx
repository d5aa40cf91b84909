/** One's own e-mail address: whether it counts, and the form that sets it. */
import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MailCheck, MailQuestionMark, MailX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { ownEmailQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { toast } from "@/shell/toast";
import classes from "./account.module.css";

/** The state and the form. */
export function Email({ login }: { login: string }) {
  const { t } = useTranslation("account");
  const email = useQuery(ownEmailQuery);
  if (email.data === undefined) {
    return (
      <>
        <FormFailure error={email.error} />
        {email.isPending && <Loading />}
      </>
    );
  }
  const { address, confirmed } = email.data;
  const state = address === null ? "off" : confirmed ? "on" : "few";
  const Icon = { off: MailX, on: MailCheck, few: MailQuestionMark }[state];
  return (
    <div className={classes["form"]}>
      <p className={classes["state"]} data-state={state}>
        <Icon size={16} aria-hidden />
        <span className={classes["email"]}>
          {address === null ? t("emailNone") : t(confirmed ? "emailConfirmed" : "emailWaits", { address })}
        </span>
      </p>
      <EmailForm login={login} address={address ?? ""} />
    </div>
  );
}

function EmailForm({ login, address }: { login: string; address: string }) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const form = useForm({
    initialValues: { address, password: "" },
    validate: { password: (value) => (value === "" ? t("ownPasswordMissing") : null) },
  });
  const set = useMutation({
    mutationFn: async ({ password, address: wanted }: typeof form.values) => {
      const trimmed = wanted.trim();
      const sent = { password, address: trimmed === "" ? null : trimmed };
      return body(await api.PUT("/api/v1/account/email", { body: sent }));
    },
    onSuccess: ({ address: now, confirmed, mailed }) => {
      form.setValues({ address: now ?? "", password: "" });
      client.setQueryData(ownEmailQuery.queryKey, { address: now, confirmed });
      const outcome = now === null ? "emailRemoved" : confirmed ? "emailStays" : mailed ? "emailSent" : "emailNotSent";
      void toast(t(outcome, { address: now }));
    },
    // There is a password in it.
    gcTime: 0,
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        set.mutate(values);
      })}
    >
      <Stack gap="md" align="stretch" mt="sm">
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <TextInput
          type="email"
          label={t("emailAddress")}
          description={t("emailAddressHint")}
          maxLength={254}
          autoComplete="email"
          spellCheck={false}
          {...form.getInputProps("address")}
        />
        <PasswordInput
          label={t("emailPassword")}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          {...form.getInputProps("password")}
        />
        <FormFailure error={set.error} />
        <div>
          <Button type="submit" loading={set.isPending}>
            {t("emailSet")}
          </Button>
        </div>
      </Stack>
    </form>
  );
}
