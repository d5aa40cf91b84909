/** The dialog that changes a person's name, role and class, and lets in who asked to join. */
import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { classesQuery, type Person } from "@/api/queries";
import { type Role, rolesUpTo } from "@/api/roles";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { changes, merged, type Wanted, wantedOf } from "./conflict";
import { usePersonChange } from "./usePersonChange";

/** Properties of {@link ChangePerson}. */
export interface ChangePersonProps {
  person: Person;
  /** The role of who changes, above which nobody is given one. */
  own: Role;
  /** Whether they are let in as well. */
  letIn?: boolean;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function ChangePerson(props: ChangePersonProps) {
  const { t } = useTranslation(["people", "common"]);
  const { person, letIn = false, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(letIn ? "approveTitle" : "changeTitle", { login: person.login })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <ChangeForm {...props} />
    </Modal>
  );
}

function ChangeForm({ person, own, letIn = false, onClose }: ChangePersonProps) {
  const { t } = useTranslation(["people", "common"]);
  const form = useForm<Wanted>({ initialValues: wantedOf(person) });
  const classes = useQuery(classesQuery);
  const { send, isPending, error, base, conflict } = usePersonChange<Partial<Wanted>>({
    person,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/users/{id}", { params: { path: { id } }, body: { version, ...wanted, ...(letIn ? { status: "active" as const } : {}) } }),
    onDone: () => {
      onClose();
      void toast(t(letIn ? "approved" : "changed", { login: person.login }));
    },
    onConflict: (seen, now) => {
      form.setValues(merged(seen, form.getValues(), now));
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        const wanted = changes(base, { ...values, name: values.name.trim() });
        if (Object.keys(wanted).length === 0 && !letIn) onClose();
        else send(wanted);
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
        <Select
          label={t("role")}
          allowDeselect={false}
          data={rolesUpTo(own).map((role) => ({ value: role, label: t(`roles.${role}`) }))}
          {...form.getInputProps("role")}
        />
        <Select
          label={t("class")}
          description={t("classHint")}
          placeholder={t("noClass")}
          clearable
          clearButtonProps={{ "aria-label": t("clearClass") }}
          disabled={!classes.isSuccess}
          data={(classes.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps("class")}
        />
        <FormFailure error={classes.error} />
        {conflict !== null && <Conflict {...conflict} />}
        <FormFailure error={error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t(conflict === null ? "common:cancel" : "keep")}
          </Button>
          <Button type="submit" loading={isPending}>
            {t(conflict !== null ? "saveAnyway" : letIn ? "approve" : "save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
