/** The dialogs that add a group and change what it is called. */
import { Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { type Group, GROUPS_KEY } from "@/api/groups";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { changes, EMPTY, fieldsOf, type GroupFields, merged, wantedOf } from "./form";
import { useGroupChange } from "./useGroupChange";

/** Properties of {@link AddGroup}. */
export interface AddGroupProps {
  opened: boolean;
  onAdded: (group: Group) => void;
  onClose: () => void;
}

/** Dialog. */
export function AddGroup({ opened, onClose, ...others }: AddGroupProps) {
  const { t } = useTranslation(["groups", "common"]);
  return (
    <Modal opened={opened} onClose={onClose} title={t("add")} closeButtonProps={{ "aria-label": t("common:close") }}>
      <Add onClose={onClose} {...others} />
    </Modal>
  );
}

/** Properties of {@link EditGroup}. */
export interface EditGroupProps {
  group: Group;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function EditGroup({ group, opened, onClose }: EditGroupProps) {
  const { t } = useTranslation(["groups", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("editTitle", { name: group.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Edit group={group} onClose={onClose} />
    </Modal>
  );
}

function Add({ onAdded, onClose }: Omit<AddGroupProps, "opened">) {
  const { t } = useTranslation("groups");
  const client = useQueryClient();
  const form = useGroupFields(EMPTY);
  const add = useMutation({
    mutationFn: async (wanted: GroupFields) => body(await api.POST("/api/v1/groups", { body: wanted })),
    onSuccess: async (group) => {
      // Its own page looks for it among all.
      await client.invalidateQueries({ queryKey: GROUPS_KEY });
      onAdded(group);
      void toast(t("added", { name: group.name }));
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        add.mutate(wantedOf(values));
      })}
    >
      <Fields form={form} error={add.error}>
        <FormButtons submit={t("save")} isPending={add.isPending} onClose={onClose} />
      </Fields>
    </form>
  );
}

function Edit({ group, onClose }: Omit<EditGroupProps, "opened">) {
  const { t } = useTranslation("groups");
  const form = useGroupFields(fieldsOf(group));
  const { send, isPending, error, base, conflict } = useGroupChange<Partial<GroupFields>>({
    group,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/groups/{id}", { params: { path: { id } }, body: { version, ...wanted } }),
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
        const wanted = changes(base, wantedOf(values));
        if (Object.keys(wanted).length === 0) onClose();
        else send(wanted);
      })}
    >
      <Fields form={form} error={error}>
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

function useGroupFields(initialValues: GroupFields) {
  const { t } = useTranslation("groups");
  return useForm<GroupFields>({
    initialValues,
    validate: { name: (value) => (value.trim() === "" ? t("nameMissing") : null) },
  });
}

interface FieldsProps {
  form: ReturnType<typeof useGroupFields>;
  error: Error | null;
  children: ReactNode;
}

function Fields({ form, error, children }: FieldsProps) {
  const { t } = useTranslation("groups");
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
      <Textarea
        label={t("about")}
        description={t("descriptionHint")}
        rows={3}
        maxLength={1_000}
        {...form.getInputProps("description")}
      />
      <FormFailure error={error} />
      {children}
    </Stack>
  );
}
