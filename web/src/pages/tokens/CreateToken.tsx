/** The dialog that creates a token, and then shows its secret once. */
import { Button, Checkbox, Group, Modal, NativeSelect, Select, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { databasesQuery, tokensQuery } from "@/api/queries";
import { CopyButton } from "@/shell/CopyButton";
import { FormFailure } from "@/shell/FormFailure";
import { Secret } from "@/shell/Secret";
import { endOf, isDays, MAX_DAYS, type Purpose } from "./request";

/** Properties of {@link CreateToken}. */
export interface CreateTokenProps {
  /** What is chosen at first. */
  purpose: Purpose;
  opened: boolean;
  onClose: () => void;
}

interface NewToken {
  name: string;
  secret: string;
  isForDevices: boolean;
}

/** Dialog; closing it forgets the secret. */
export function CreateToken({ purpose, opened, onClose }: CreateTokenProps) {
  const { t } = useTranslation("tokens");
  const [created, setCreated] = useState<NewToken | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a secret that is shown once.
      closeOnClickOutside={created === null}
      title={t(created === null ? "new" : "secretTitle")}
      closeButtonProps={{ "aria-label": t("close") }}
      onExitTransitionEnd={() => {
        setCreated(null);
      }}
    >
      {created === null ? (
        <TokenForm purpose={purpose} onCreated={setCreated} onCancel={onClose} />
      ) : (
        <Created created={created} onDone={onClose} />
      )}
    </Modal>
  );
}

interface TokenFormProps {
  purpose: Purpose;
  onCreated: (created: NewToken) => void;
  onCancel: () => void;
}

function TokenForm({ purpose, onCreated, onCancel }: TokenFormProps) {
  const { t } = useTranslation("tokens");
  const client = useQueryClient();
  const databases = useQuery(databasesQuery);
  const form = useForm({
    initialValues: { name: "", purpose, database: "", can_read: false, can_write: true, days: "" },
    validate: {
      name: (value) => (value.trim() === "" ? t("nameMissing") : null),
      can_write: (value, values) =>
        value || values.can_read || values.purpose === "devices" ? null : t("rightsMissing"),
      days: (value) => (isDays(value) ? null : t("daysWrong", { most: MAX_DAYS })),
    },
  });
  const create = useMutation({
    mutationFn: async ({ name, purpose: given, database, can_read, can_write, days }: typeof form.values) =>
      body(
        await api.POST("/api/v1/tokens", {
          body: {
            name: name.trim(),
            ...(given === "devices" ? { can_read: false, can_write: true, for_devices: true } : { can_read, can_write }),
            ...(database === "" ? {} : { database }),
            ...endOf(days, Date.now()),
          },
        }),
      ),
    onSuccess: async ({ token, secret }) => {
      onCreated({ name: token.name, secret, isForDevices: token.for_devices });
      await client.invalidateQueries({ queryKey: tokensQuery.queryKey });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        create.mutate(values);
      })}
    >
      <Stack gap="md">
        <TextInput
          label={t("name")}
          description={t("nameHint")}
          maxLength={100}
          autoComplete="off"
          data-autofocus
          {...form.getInputProps("name")}
        />
        <NativeSelect
          label={t("purpose")}
          description={t(`purposeHint_${form.values.purpose}`)}
          data={[
            { value: "program", label: t("purpose_program") },
            { value: "devices", label: t("purpose_devices") },
          ]}
          {...form.getInputProps("purpose")}
        />
        <Select
          label={t("database")}
          description={t("databaseHint")}
          allowDeselect={false}
          data={[
            { value: "", label: t("all") },
            ...(databases.data ?? []).map(({ name }) => ({ value: name, label: name })),
          ]}
          {...form.getInputProps("database")}
        />
        {form.values.purpose === "program" && (
          <Checkbox.Group
            label={t("rights")}
            error={form.errors["can_write"]}
            value={rightsOf(form.values)}
            onChange={(rights) => {
              form.setValues({ can_read: rights.includes("read"), can_write: rights.includes("write") });
            }}
          >
            <Stack gap="sm" pt="xs">
              <Checkbox value="write" label={t("writeLong")} />
              <Checkbox value="read" label={t("readLong")} />
            </Stack>
          </Checkbox.Group>
        )}
        <TextInput
          label={t("days")}
          description={t("daysHint")}
          inputMode="numeric"
          autoComplete="off"
          maxLength={5}
          {...form.getInputProps("days")}
        />
        <FormFailure error={create.error ?? databases.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t("create")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function rightsOf({ can_read, can_write }: { can_read: boolean; can_write: boolean }): string[] {
  return [...(can_read ? ["read"] : []), ...(can_write ? ["write"] : [])];
}

function Created({ created, onDone }: { created: NewToken; onDone: () => void }) {
  const { t } = useTranslation("tokens");
  const label = t("secretLabel", { name: created.name });
  return (
    <Stack gap="md">
      <Text>{t("secretBody")}</Text>
      {created.isForDevices && <Text>{t("secretDevices")}</Text>}
      <Secret text={created.secret} label={label} />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={created.secret} label={label} />
        <Button onClick={onDone}>{t("done")}</Button>
      </Group>
    </Stack>
  );
}
