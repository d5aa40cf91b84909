/** Where the link leads that confirms an e-mail address. A button sends it: programs that open links in mail must not. */
import { Anchor, Button, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { codeInFragment } from "@/pages/setup/code";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";

/** The page `/confirm-email`. */
export default function ConfirmEmailPage() {
  const { t } = useTranslation("confirm-email");
  const navigate = useNavigate();
  const [code] = useState(() => codeInFragment(globalThis.location.hash));
  useEffect(() => {
    // A code left in the address bar would stay in the browser's history.
    if (globalThis.location.hash !== "") void navigate({ to: "/confirm-email", hash: "", replace: true });
  }, [navigate]);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { code },
    validate: { code: (value) => (value.trim() === "" ? t("codeMissing") : null) },
  });
  const confirm = useMutation({
    mutationFn: async (sent: typeof form.values) =>
      body(await api.POST("/api/v1/account/email/confirm", { body: { code: sent.code.trim() } })),
    // There is a secret in it.
    gcTime: 0,
  });
  return (
    <FrontDoor title={t("title")} description={t("description")}>
      {confirm.isSuccess ? (
        <div role="status">
          <Text fw={600}>{t("confirmed", { login: confirm.data.login })}</Text>
          <Anchor component={Link} to="/">
            {t("goOn")}
          </Anchor>
        </div>
      ) : (
        <form
          noValidate
          onSubmit={form.onSubmit((values) => {
            confirm.mutate(values);
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
          <FormFailure error={confirm.error} />
          <Button type="submit" loading={confirm.isPending}>
            {t("submit")}
          </Button>
        </form>
      )}
    </FrontDoor>
  );
}
