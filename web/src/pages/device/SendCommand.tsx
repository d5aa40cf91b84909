/** The dialog that asks a device to do something. */
import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { commandsQuery } from "@/api/deviceState";
import type { Device } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { objectIn } from "./json";

/** Properties of {@link SendCommand}. */
export interface SendCommandProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

/** The longest that an answer is waited for: a week. */
const MAX_SECONDS = 604_800;

/** Dialog. */
export function SendCommand({ device, opened, onClose }: SendCommandProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("sendTitle", { name: device.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Form device={device} onClose={onClose} />
    </Modal>
  );
}

interface Filled {
  name: string;
  given: string;
  seconds: string;
}

function Form({ device: { id }, onClose }: Omit<SendCommandProps, "opened">) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const form = useForm<Filled>({
    initialValues: { name: "", given: "{}", seconds: "60" },
    validate: {
      name: (value) => (value.trim() === "" ? t("commandMissing") : null),
      given: (value) => {
        const read = objectIn(value);
        return "object" in read ? null : (read.problem ?? t("noObject"));
      },
      seconds: (value) => {
        const number = /^\s*\d+\s*$/.test(value) ? Number(value) : 0;
        return number >= 1 && number <= MAX_SECONDS ? null : t("secondsWrong");
      },
    },
  });
  const send = useMutation({
    mutationFn: async ({ name, given, seconds }: Filled) => {
      const read = objectIn(given);
      const request = {
        name: name.trim(),
        arguments: ("object" in read ? read.object : {}) as Record<string, never>,
        timeout_seconds: Number(seconds),
      };
      return body(await api.POST("/api/v1/devices/{id}/commands", { params: { path: { id } }, body: request }));
    },
    onSuccess: async ({ name }) => {
      onClose();
      void toast(t("sent", { name }));
      await client.invalidateQueries({ queryKey: commandsQuery(id).queryKey });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        send.mutate(values);
      })}
    >
      <Stack gap="md">
        <TextInput
          label={t("command")}
          description={t("commandHint")}
          maxLength={100}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <Textarea
          label={t("arguments")}
          description={t("argumentsHint")}
          classNames={{ input: "sn-mono" }}
          rows={4}
          spellCheck={false}
          autoCapitalize="none"
          {...form.getInputProps("given")}
        />
        <TextInput label={t("seconds")} description={t("secondsHint")} inputMode="numeric" {...form.getInputProps("seconds")} />
        <FormFailure error={send.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={send.isPending}>
            {t("send")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
