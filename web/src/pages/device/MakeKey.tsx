/** The dialog that makes a pre-shared key of a device, or takes a given one, and then shows it once. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { deviceCredentialsQuery } from "@/api/credentials";
import type { Device } from "@/api/queries";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { Secret } from "@/shell/Secret";

/** Properties of {@link MakeKey}. */
export interface MakeKeyProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

interface NewKey {
  identity: string;
  key: string;
}

/** Dialog; closing it forgets the key. */
export function MakeKey({ device, opened, onClose }: MakeKeyProps) {
  const { t } = useTranslation(["devices", "common"]);
  const [made, setMade] = useState<NewKey | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a key that is shown once.
      closeOnClickOutside={made === null}
      title={made === null ? t("keyTitle", { name: device.name }) : t("keyShow")}
      closeButtonProps={{ "aria-label": t("common:close") }}
      onExitTransitionEnd={() => {
        setMade(null);
      }}
    >
      {made === null ? (
        <KeyForm device={device} onMade={setMade} onCancel={onClose} />
      ) : (
        <Made made={made} onDone={onClose} />
      )}
    </Modal>
  );
}

interface KeyFormProps {
  device: Device;
  onMade: (made: NewKey) => void;
  onCancel: () => void;
}

function KeyForm({ device: { id }, onMade, onCancel }: KeyFormProps) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const form = useForm({
    initialValues: { label: "", identity: "", key: "", expires: "" },
    validate: { label: (value) => (value.trim() === "" ? t("tokenNameMissing") : null) },
  });
  const make = useMutation({
    mutationFn: async ({ label, identity, key, expires }: typeof form.values) =>
      body(
        await api.POST("/api/v1/devices/{id}/credentials", {
          params: { path: { id } },
          body: {
            kind: "psk",
            label: label.trim(),
            ...(identity.trim() === "" ? {} : { identity: identity.trim() }),
            ...(key.trim() === "" ? {} : { key: key.trim() }),
            ...(expires === "" ? {} : { expires_at: new Date(expires).toISOString() }),
          },
        }),
      ),
    onSuccess: async ({ credential, key }) => {
      onMade({ identity: credential.identity, key: key ?? "" });
      await client.invalidateQueries({ queryKey: deviceCredentialsQuery(id).queryKey });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        make.mutate(values);
      })}
    >
      <Stack gap="md">
        <TextInput
          label={t("tokenName")}
          description={t("tokenNameHint")}
          maxLength={100}
          autoComplete="off"
          data-autofocus
          {...form.getInputProps("label")}
        />
        <TextInput
          label={t("keyIdentity")}
          description={t("keyIdentityHint")}
          maxLength={64}
          autoComplete="off"
          {...form.getInputProps("identity")}
        />
        <TextInput
          label={t("key")}
          description={t("keyHint")}
          maxLength={128}
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps("key")}
        />
        <TextInput
          type="datetime-local"
          label={t("tokenExpires")}
          description={t("tokenExpiresHint")}
          {...form.getInputProps("expires")}
        />
        <FormFailure error={make.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={make.isPending}>
            {t("createKey")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ made, onDone }: { made: NewKey; onDone: () => void }) {
  const { t } = useTranslation("devices");
  return (
    <Stack gap="md">
      <Text>{t("keyBody")}</Text>
      {(
        [
          [t("keyIdentity"), made.identity],
          [t("key"), made.key],
        ] as const
      ).map(([label, text]) => (
        <Stack key={label} gap="xs">
          <Text aria-hidden>{label}</Text>
          <Secret text={text} label={label} />
          <Group justify="flex-end">
            <CopyButton text={text} label={label} />
          </Group>
        </Stack>
      ))}
      <Group justify="flex-end">
        <Button onClick={onDone}>{t("done")}</Button>
      </Group>
    </Stack>
  );
}
