/** Where an invitation and a link for another password lead: choosing a password, which signs in; whoever has a second factor is asked for a code. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import { needsSecondFactor } from "@/api/secondFactor";
import { codeInFragment } from "@/pages/setup/code";
import { FormFailure } from "@/shell/FormFailure";
import { FrontDoor } from "@/shell/FrontDoor";
import { SecondFactorStep } from "@/shell/SecondFactorStep";

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
  // What is sent again with the code of the second factor.
  const [waiting, setWaiting] = useState<{ code: string; password: string } | null>(null);
  const accept = useMutation({
    mutationFn: (sent: components["schemas"]["AcceptRequest"]) =>
      api.POST("/api/v1/invitations/accept", { body: sent }),
    onSuccess: () => {
      // A fresh start: whoever was signed in here before leaves nothing behind in this tab.
      globalThis.location.assign("/");
    },
    onError: (error, { code: sent, password }) => {
      setWaiting((before) => (needsSecondFactor(error) ? { code: sent, password } : before));
    },
    // There is a password in it.
    gcTime: 0,
  });
  if (waiting !== null) {
    return (
      <FrontDoor title={t("title")} description={t("codeWanted")}>
        <SecondFactorStep
          submit={t("submit")}
          isPending={accept.isPending || accept.isSuccess}
          failure={accept.variables?.second_factor === undefined ? null : accept.error}
          onSend={(factor) => {
            accept.mutate({ ...waiting, second_factor: factor });
          }}
          onBack={() => {
            setWaiting(null);
            accept.reset();
          }}
        />
      </FrontDoor>
    );
  }
  return (
    <FrontDoor title={t("title")} description={t("description")}>
      <form
        noValidate
        onSubmit={form.onSubmit((values) => {
          accept.mutate({ ...values, code: values.code.trim() });
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
