/** The dialog that makes an API token of a device, and then shows its secret once. */
import { Button, Group, Modal, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { databasesQuery, type Device, deviceTokensQuery } from "@/api/queries";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { Secret } from "@/shell/Secret";

/** Properties of {@link MakeDeviceToken}. */
export interface MakeDeviceTokenProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

interface NewToken {
  name: string;
  secret: string;
}

/** Dialog; closing it forgets the secret. */
export function MakeDeviceToken({ device, opened, onClose }: MakeDeviceTokenProps) {
  const { t } = useTranslation(["devices", "common"]);
  const [made, setMade] = useState<NewToken | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a secret that is shown once.
      closeOnClickOutside={made === null}
      title={made === null ? t("tokenTitle", { name: device.name }) : t("secretTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
      onExitTransitionEnd={() => {
        setMade(null);
      }}
    >
      {made === null ? (
        <TokenForm device={device} onMade={setMade} onCancel={onClose} />
      ) : (
        <Made made={made} onDone={onClose} />
      )}
    </Modal>
  );
}

interface TokenFormProps {
  device: Device;
  onMade: (made: NewToken) => void;
  onCancel: () => void;
}

function TokenForm({ device, onMade, onCancel }: TokenFormProps) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const databases = useQuery(databasesQuery);
  const { id } = device;
  const form = useForm({
    initialValues: { name: "", database: "", expires: "" },
    validate: { name: (value) => (value.trim() === "" ? t("tokenNameMissing") : null) },
  });
  const make = useMutation({
    mutationFn: async ({ name, database, expires }: typeof form.values) =>
      body(
        await api.POST("/api/v1/devices/{id}/tokens", {
          params: { path: { id } },
          body: {
            name: name.trim(),
            ...(database === "" ? {} : { database }),
            ...(expires === "" ? {} : { expires_at: new Date(expires).toISOString() }),
          },
        }),
      ),
    onSuccess: async ({ token, secret }) => {
      onMade({ name: token.name, secret });
      await client.invalidateQueries({ queryKey: deviceTokensQuery(id).queryKey });
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
          {...form.getInputProps("name")}
        />
        <NativeSelect
          label={t("tokenDatabase")}
          description={t("tokenDatabaseHint")}
          data={[
            { value: "", label: t("allDatabases") },
            ...(databases.data ?? []).map(({ name }) => ({ value: name, label: name })),
          ]}
          {...form.getInputProps("database")}
        />
        <TextInput
          type="datetime-local"
          label={t("tokenExpires")}
          description={t("tokenExpiresHint")}
          {...form.getInputProps("expires")}
        />
        <FormFailure error={make.error ?? databases.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={make.isPending}>
            {t("createToken")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ made, onDone }: { made: NewToken; onDone: () => void }) {
  const { t } = useTranslation("devices");
  const label = t("secretLabel", { name: made.name });
  return (
    <Stack gap="md">
      <Text>{t("secretBody")}</Text>
      <Secret text={made.secret} label={label} />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={made.secret} label={label} />
        <Button onClick={onDone}>{t("done")}</Button>
      </Group>
    </Stack>
  );
}
