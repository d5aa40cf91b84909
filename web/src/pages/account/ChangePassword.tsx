/** Changes one's own password. */
import { Button, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { ownSessionsQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";

/** The server refuses shorter ones. */
const PASSWORD_CHARACTERS = 10;

/** The form. */
export function ChangePassword({ login }: { login: string }) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const form = useForm({
    initialValues: { current: "", new: "" },
    validate: {
      current: (value) => (value === "" ? t("currentMissing") : null),
      new: (value) =>
        Array.from(value).length < PASSWORD_CHARACTERS ? t("newShort", { count: PASSWORD_CHARACTERS }) : null,
    },
  });
  const change = useMutation({
    mutationFn: (values: typeof form.values) => api.PUT("/api/v1/account/password", { body: values }),
    onSuccess: async () => {
      form.reset();
      void toast(t("changed"));
      await client.invalidateQueries({ queryKey: ownSessionsQuery.queryKey });
    },
  });
  const toggle = { "aria-label": t("showPassword") };
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        change.mutate(values);
      })}
    >
      <Stack gap="md" align="stretch">
        {/* So that password managers know whose it is. */}
        <input type="text" name="username" autoComplete="username" value={login} readOnly hidden />
        <PasswordInput
          label={t("current")}
          autoComplete="current-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps("current")}
        />
        <PasswordInput
          label={t("new")}
          description={t("newHint", { count: PASSWORD_CHARACTERS })}
          autoComplete="new-password"
          visibilityToggleButtonProps={toggle}
          {...form.getInputProps("new")}
        />
        <FormFailure error={change.error} />
        <div>
          <Button type="submit" loading={change.isPending}>
            {t("change")}
          </Button>
        </div>
      </Stack>
    </form>
  );
}
