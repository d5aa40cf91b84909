/** The dialogs that add and change a network. */
import { Checkbox, Modal, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { type Network, networksQuery } from "@/api/queries";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { changes, type Filled, filledFor, merged, needsPassword } from "./change";
import { Conflict } from "./Conflict";
import { useNetworkChange } from "./useNetworkChange";

/** Properties of {@link NetworkForm}. */
export interface NetworkFormProps {
  /** What to change; a new one is added without it. */
  network?: Network;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function NetworkForm({ network, opened, onClose }: NetworkFormProps) {
  const { t } = useTranslation(["networks", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={network === undefined ? t("add") : t("changeTitle", { name: network.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      {network === undefined ? <Add onClose={onClose} /> : <Change network={network} onClose={onClose} />}
    </Modal>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("networks");
  const client = useQueryClient();
  const form = useNetworkFields();
  const add = useMutation({
    mutationFn: async ({ name, ssid, password, isOpen }: Filled) =>
      body(
        await api.POST("/api/v1/networks", { body: { name: name.trim(), ssid, password: isOpen ? null : password } }),
      ),
    onSuccess: async ({ name }) => {
      onClose();
      void toast(t("added", { name }));
      await client.invalidateQueries({ queryKey: networksQuery.queryKey });
    },
    // There is a password in it.
    gcTime: 0,
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        add.mutate(values);
      })}
    >
      <Fields form={form} hint={t("passwordHint")} error={add.error}>
        <FormButtons submit={t("save")} isPending={add.isPending} onClose={onClose} />
      </Fields>
    </form>
  );
}

function Change({ network, onClose }: { network: Network; onClose: () => void }) {
  const { t } = useTranslation("networks");
  const form = useNetworkFields(network);
  const { send, isPending, error, base, conflict } = useNetworkChange<ReturnType<typeof changes>>({
    network,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/networks/{id}", { params: { path: { id } }, body: { version, ...wanted } }),
    onDone: () => {
      onClose();
      void toast(t("changed", { name: form.getValues().name.trim() }));
    },
    onConflict: (seen, now) => {
      form.setValues(merged(seen, form.getValues(), now));
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        if (needsPassword(values, base)) {
          form.setFieldError("password", t("passwordMissing"));
          return;
        }
        const wanted = changes(base, values);
        if (Object.keys(wanted).length === 0) onClose();
        else send(wanted);
      })}
    >
      <Fields form={form} hint={t(base.has_password ? "passwordStays" : "passwordHint")} error={error}>
        {conflict !== null && <Conflict {...conflict} />}
        <FormButtons
          submit={t(conflict === null ? "save" : "saveAnyway")}
          cancel={conflict === null ? undefined : t("keep")}
          isPending={isPending}
          onClose={onClose}
        />
      </Fields>
    </form>
  );
}

function useNetworkFields(network?: Network) {
  const { t } = useTranslation("networks");
  return useForm<Filled>({
    initialValues: filledFor(network),
    validate: {
      name: (value) => (value.trim() === "" ? t("nameMissing") : null),
      ssid: (value) => (value === "" ? t("ssidMissing") : null),
      password: (_, values) => (network === undefined && needsPassword(values) ? t("passwordMissing") : null),
    },
  });
}

interface FieldsProps {
  form: ReturnType<typeof useNetworkFields>;
  /** What the password is for, or that it may stay empty. */
  hint: string;
  error: Error | null;
  children: ReactNode;
}

function Fields({ form, hint, error, children }: FieldsProps) {
  const { t } = useTranslation("networks");
  return (
    <Stack gap="md">
      <TextInput
        label={t("name")}
        description={t("nameHint")}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
      <TextInput
        label={t("ssid")}
        description={t("ssidHint")}
        maxLength={32}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...form.getInputProps("ssid")}
      />
      <PasswordInput
        label={t("password")}
        description={hint}
        maxLength={63}
        // Not the password of a person: nothing for a password manager to fill in.
        autoComplete="new-password"
        disabled={form.values.isOpen}
        visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
        {...form.getInputProps("password")}
      />
      <Checkbox label={t("isOpen")} {...form.getInputProps("isOpen", { type: "checkbox" })} />
      <FormFailure error={error} />
      {children}
    </Stack>
  );
}
