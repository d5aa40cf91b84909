/** The dialog that sets up a second factor: the password, the secret for the app with a first code, the recovery codes. */
import { Button, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, body } from "@/api/client";
import { ownSecondFactorQuery } from "@/api/queries";
import type { components } from "@/api/schema";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { save } from "@/shell/save";
import { Secret } from "@/shell/Secret";
import classes from "./account.module.css";

const QrCode = lazy(() => import("@/shell/qr/QrCode"));

type Enrolment = components["schemas"]["SecondFactorSecret"];

/** Properties of {@link SetUpSecondFactor}. */
export interface SetUpSecondFactorProps {
  login: string;
  organisation: string;
  opened: boolean;
  onClose: () => void;
}

/** Dialog; closing it forgets what it showed. */
export function SetUpSecondFactor({ login, organisation, opened, onClose }: SetUpSecondFactorProps) {
  const { t } = useTranslation(["account", "common"]);
  const client = useQueryClient();
  const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose what is shown once.
      closeOnClickOutside={enrolment === null}
      closeOnEscape={codes === null}
      title={t(codes === null ? "setUpTitle" : "recoveryTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
      onExitTransitionEnd={() => {
        setEnrolment(null);
        setCodes(null);
      }}
    >
      {codes !== null ? (
        <RecoveryCodes
          codes={codes}
          heading={t("recoveryFile", { login, organisation, origin: globalThis.location.origin })}
          onDone={onClose}
        />
      ) : enrolment === null ? (
        <Begin login={login} onBegun={setEnrolment} onCancel={onClose} />
      ) : (
        <Confirm
          enrolment={enrolment}
          onConfirmed={(made) => {
            setCodes(made);
            void client.invalidateQueries({ queryKey: ownSecondFactorQuery.queryKey });
          }}
          onCancel={onClose}
        />
      )}
    </Modal>
  );
}

interface BeginProps {
  login: string;
  onBegun: (enrolment: Enrolment) => void;
  onCancel: () => void;
}

function Begin({ login, onBegun, onCancel }: BeginProps) {
  const { t } = useTranslation(["account", "common"]);
  const form = useForm({
    initialValues: { password: "" },
    validate: { password: (value) => (value === "" ? t("ownPasswordMissing") : null) },
  });
  const begin = useMutation({
    mutationFn: async (values: typeof form.values) =>
      body(await api.POST("/api/v1/account/second-factor", { body: values })),
    onSuccess: onBegun,
    // Nothing of it is kept: there are secrets in it.
    gcTime: 0,
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        begin.mutate(values);
      })}
    >
      <Stack gap="md">
        {/* So that password managers know whose it is. */}
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <PasswordInput
          label={t("ownPassword")}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          data-autofocus
          {...form.getInputProps("password")}
        />
        <FormFailure error={begin.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={begin.isPending}>
            {t("goOn")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface ConfirmProps {
  enrolment: Enrolment;
  onConfirmed: (recoveryCodes: readonly string[]) => void;
  onCancel: () => void;
}

function Confirm({ enrolment: { secret, uri }, onConfirmed, onCancel }: ConfirmProps) {
  const { t } = useTranslation(["account", "common"]);
  const input = useRef<HTMLInputElement>(null);
  const form = useForm({
    initialValues: { code: "" },
    validate: { code: (value) => (value.trim() === "" ? t("firstCodeMissing") : null) },
  });
  const confirm = useMutation({
    mutationFn: async ({ code }: typeof form.values) =>
      body(await api.POST("/api/v1/account/second-factor/confirm", { body: { code: code.trim() } })).recovery_codes,
    onSuccess: onConfirmed,
    onError: () => {
      input.current?.select();
    },
    gcTime: 0,
  });
  useEffect(() => {
    input.current?.focus();
  }, []);
  const wrong = confirm.error instanceof ApiError && confirm.error.status === 403 ? confirm.error.message : undefined;
  const shown = secret.match(/.{1,4}/g)?.join(" ") ?? secret;
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        confirm.mutate(values);
      })}
    >
      <Stack gap="md">
        <Text>{t("scan")}</Text>
        <Suspense fallback={null}>
          <QrCode text={uri} label={t("qr")} />
        </Suspense>
        <Secret text={shown} label={t("secret")} />
        <div>
          <CopyButton text={secret} label={t("secret")} />
        </div>
        <TextInput
          ref={input}
          label={t("firstCode")}
          description={t("firstCodeHint")}
          autoComplete="one-time-code"
          inputMode="numeric"
          maxLength={16}
          classNames={{ input: "sn-mono" }}
          {...form.getInputProps("code")}
          error={form.errors["code"] ?? wrong}
        />
        <FormFailure error={wrong === undefined ? confirm.error : null} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={confirm.isPending}>
            {t("switchOn")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface RecoveryCodesProps {
  codes: readonly string[];
  /** The first line of the file. */
  heading: string;
  onDone: () => void;
}

function RecoveryCodes({ codes, heading, onDone }: RecoveryCodesProps) {
  const { t } = useTranslation("account");
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Not a button: Enter, pressed twice, would close what is shown once.
    place.current?.focus();
  }, []);
  const text = codes.join("\n");
  return (
    <div ref={place} tabIndex={-1} className={classes["once"]}>
      <Stack gap="md">
        <Text>{t("recoveryBody")}</Text>
        <Secret text={text} label={t("recoveryCodes")} />
        <Group gap="sm">
          <CopyButton text={text} label={t("recoveryCodes")} />
          <Button
            variant="default"
            leftSection={<Download size={14} aria-hidden />}
            onClick={() => {
              save("sensorium-recovery-codes.txt", new Blob([`${heading}\n\n${text}\n`], { type: "text/plain" }));
            }}
          >
            {t("download")}
          </Button>
          <Button ml="auto" onClick={onDone}>
            {t("kept")}
          </Button>
        </Group>
      </Stack>
    </div>
  );
}
