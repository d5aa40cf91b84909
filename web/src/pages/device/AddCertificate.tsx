/** The dialog that adds a client certificate to a device, from a file or from the clipboard. */
import { Button, Group, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { deviceCredentialsQuery } from "@/api/credentials";
import type { Device } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";

/** The most bytes of a file that is read; the server takes as many. */
const MAX_BYTES = 16_384;

/** Properties of {@link AddCertificate}. */
export interface AddCertificateProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function AddCertificate({ device, opened, onClose }: AddCertificateProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("certificateTitle", { name: device.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Form device={device} onClose={onClose} />
    </Modal>
  );
}

function Form({ device: { id }, onClose }: Omit<AddCertificateProps, "opened">) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const form = useForm({
    initialValues: { label: "", certificate: "", expires: "" },
    validate: {
      label: (value) => (value.trim() === "" ? t("tokenNameMissing") : null),
      certificate: (value) => (value.includes("-----BEGIN CERTIFICATE-----") ? null : t("certificateMissing")),
    },
  });
  const add = useMutation({
    mutationFn: async ({ label, certificate, expires }: typeof form.values) =>
      body(
        await api.POST("/api/v1/devices/{id}/credentials", {
          params: { path: { id } },
          body: {
            kind: "x509",
            label: label.trim(),
            certificate,
            ...(expires === "" ? {} : { expires_at: new Date(expires).toISOString() }),
          },
        }),
      ),
    onSuccess: async ({ credential }) => {
      onClose();
      void toast(t("certificateAdded", { name: credential.label }));
      await client.invalidateQueries({ queryKey: deviceCredentialsQuery(id).queryKey });
    },
  });
  const read = async (file: File) => {
    if (file.size > MAX_BYTES) {
      form.setFieldError("certificate", t("certificateLong"));
      return;
    }
    form.setFieldValue("certificate", await file.text());
  };
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        add.mutate(values);
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
          type="file"
          accept=".pem,.crt,.cer,application/x-pem-file"
          label={t("certificateFile")}
          description={t("certificateFileHint")}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file !== undefined) void read(file);
          }}
        />
        <Textarea
          label={t("certificate")}
          description={t("certificateHint")}
          classNames={{ input: "sn-mono" }}
          rows={6}
          spellCheck={false}
          {...form.getInputProps("certificate")}
        />
        <TextInput
          type="datetime-local"
          label={t("tokenExpires")}
          description={t("certificateExpiresHint")}
          {...form.getInputProps("expires")}
        />
        <FormFailure error={add.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t("addCertificate")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
