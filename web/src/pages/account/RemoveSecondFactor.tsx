/** The dialog that removes one's own second factor, which takes the password and a code. */
import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { ownSecondFactorQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { SecondFactorField } from "@/shell/SecondFactorField";
import { toast } from "@/shell/toast";

/** Properties of {@link RemoveSecondFactor}. */
export interface RemoveSecondFactorProps {
  login: string;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function RemoveSecondFactor(props: RemoveSecondFactorProps) {
  const { t } = useTranslation(["account", "common"]);
  const { opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("removeTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <RemoveForm {...props} />
    </Modal>
  );
}

function RemoveForm({ login, onClose }: RemoveSecondFactorProps) {
  const { t } = useTranslation(["account", "common"]);
  const client = useQueryClient();
  const form = useForm({
    initialValues: { password: "", code: "" },
    validate: {
      password: (value) => (value === "" ? t("ownPasswordMissing") : null),
      code: (value) => (value.trim() === "" ? t("common:secondFactor.missing") : null),
    },
  });
  const remove = useMutation({
    mutationFn: ({ password, code }: typeof form.values) =>
      api.POST("/api/v1/account/second-factor/remove", { body: { password, code: code.trim() } }),
    onSuccess: () => {
      onClose();
      void toast(t("removed"));
    },
    // Also after a refusal: a recovery code may be used up, or there is none any more.
    onSettled: () => client.invalidateQueries({ queryKey: ownSecondFactorQuery.queryKey }),
    gcTime: 0,
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        remove.mutate(values);
      })}
    >
      <Stack gap="md">
        <Text>{t("removeBody")}</Text>
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <PasswordInput
          label={t("ownPassword")}
          autoComplete="current-password"
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          data-autofocus
          {...form.getInputProps("password")}
        />
        <SecondFactorField
          value={form.values.code}
          onChange={(code) => {
            form.setFieldValue("code", code);
          }}
          problem={form.errors["code"]}
        />
        <FormFailure error={remove.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" color="red.9" loading={remove.isPending}>
            {t("remove")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
