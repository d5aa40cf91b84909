/** Where an invitation and a link for another password lead: choosing a password, which signs in. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { codeInFragment } from "@/pages/setup/code";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";

/** The server refuses shorter ones. */
const PASSWORD_CHARACTERS = 10;

/** The page `/invitation`. */
export default function InvitationPage() {
  const { t } = useTranslation("invitation");
  const navigate = useNavigate();
  const [code] = useState(() => codeInFragment(globalThis.location.hash));
  useEffect(() => {
    // A code left in the address bar would stay in the browser's history.
    if (globalThis.location.hash !== "") void navigate({ to: "/invitation", hash: "", replace: true });
  }, [navigate]);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { code, password: "" },
    validate: {
      code: (value) => (value.trim() === "" ? t("codeMissing") : null),
      password: (value) =>
        Array.from(value).length < PASSWORD_CHARACTERS ? t("passwordShort", { count: PASSWORD_CHARACTERS }) : null,
    },
  });
  const accept = useMutation({
    mutationFn: ({ code: sent, password }: typeof form.values) =>
      api.POST("/api/v1/invitations/accept", { body: { code: sent.trim(), password } }),
    onSuccess: () => {
      // A fresh start: whoever was signed in here before leaves nothing behind in this tab.
      globalThis.location.assign("/");
    },
  });
  return (
    <FrontDoor title={t("title")} description={t("description")}>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => {
          accept.mutate(values);
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
        <PasswordInput
          label={t("password")}
          description={t("passwordHint", { count: PASSWORD_CHARACTERS })}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <FormFailure error={accept.error} />
        <Button type="submit" loading={accept.isPending || accept.isSuccess}>
          {t("submit")}
        </Button>
      </form>
    </FrontDoor>
  );
}
