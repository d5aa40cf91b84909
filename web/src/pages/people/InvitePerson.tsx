/** The dialog that invites a person, and then shows the link once. */
import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { passwordResetQuery, peopleQuery } from "@/api/queries";
import { type Role, rolesUpTo } from "@/api/roles";
import { FormFailure } from "@/shell/FormFailure";
import { type IssuedLink, OneTimeLink } from "./OneTimeLink";

/** Properties of {@link InvitePerson}. */
export interface InvitePersonProps {
  /** The role of who invites, above which nobody is invited. */
  own: Role;
  opened: boolean;
  onClose: () => void;
}

/** Dialog; closing it forgets the link. */
export function InvitePerson({ own, opened, onClose }: InvitePersonProps) {
  const { t } = useTranslation(["people", "common"]);
  const [issued, setIssued] = useState<IssuedLink | null>(null);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a link that is shown once.
      closeOnClickOutside={issued === null}
      title={t(issued === null ? "inviteTitle" : "linkTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
      onExitTransitionEnd={() => {
        setIssued(null);
      }}
    >
      {issued === null ? (
        <InviteForm own={own} onIssued={setIssued} onCancel={onClose} />
      ) : (
        <OneTimeLink issued={issued} onDone={onClose} />
      )}
    </Modal>
  );
}

interface InviteFormProps {
  own: Role;
  onIssued: (issued: IssuedLink) => void;
  onCancel: () => void;
}

function InviteForm({ own, onIssued, onCancel }: InviteFormProps) {
  const { t } = useTranslation(["people", "common"]);
  const client = useQueryClient();
  const mails = useQuery(passwordResetQuery).data?.open === true;
  const form = useForm<{ login: string; name: string; email: string; role: Role }>({
    initialValues: { login: "", name: "", email: "", role: "viewer" },
    validate: { login: (value) => (value.trim() === "" ? t("loginMissing") : null) },
  });
  const invite = useMutation({
    mutationFn: async ({ login, name, email, role }: typeof form.values) => {
      const address = email.trim() === "" ? {} : { email: email.trim() };
      return body(await api.POST("/api/v1/users", { body: { login: login.trim(), name: name.trim(), role, ...address } }));
    },
    onSuccess: async ({ user, link, mailed }) => {
      onIssued({ login: user.login, link, ...(user.email === null ? {} : { mailed }) });
      await client.invalidateQueries({ queryKey: peopleQuery.queryKey });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        invite.mutate(values);
      })}
    >
      <Stack gap="md">
        <TextInput
          label={t("login")}
          description={t("loginHint")}
          maxLength={64}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("login")}
        />
        <TextInput
          label={t("name")}
          description={t("nameHint")}
          maxLength={100}
          autoComplete="off"
          {...form.getInputProps("name")}
        />
        {mails && (
          <TextInput
            type="email"
            label={t("email")}
            description={t("emailHint")}
            maxLength={254}
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps("email")}
          />
        )}
        <Select
          label={t("role")}
          allowDeselect={false}
          data={rolesUpTo(own).map((role) => ({ value: role, label: t(`roles.${role}`) }))}
          {...form.getInputProps("role")}
        />
        <FormFailure error={invite.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={invite.isPending}>
            {t("create")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
