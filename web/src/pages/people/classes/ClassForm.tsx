/** The dialogs that add and change a class. */
import { Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { classesQuery, type PersonClass } from "@/api/queries";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { ClassConflict } from "./ClassConflict";
import { bytesIn, changes, type Filled, filledFor, merged, numberIn, QUOTAS, quotasIn } from "./filled";
import { LABELS } from "./labels";
import { useClassChange } from "./useClassChange";

/** Properties of {@link ClassForm}. */
export interface ClassFormProps {
  /** What to change; a new one is added without it. */
  of?: PersonClass;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function ClassForm({ of, opened, onClose }: ClassFormProps) {
  const { t } = useTranslation(["people", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={of === undefined ? t("classes.addTitle") : t("classes.changeTitle", { name: of.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      {of === undefined ? <Add onClose={onClose} /> : <Change of={of} onClose={onClose} />}
    </Modal>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(["people", "common"]);
  const client = useQueryClient();
  const form = useClassFields();
  const add = useMutation({
    mutationFn: async (filled: Filled) =>
      body(await api.POST("/api/v1/classes", { body: { name: filled.name.trim(), quotas: quotasIn(filled) } })),
    onSuccess: async ({ name }) => {
      onClose();
      void toast(t("classes.added", { name }));
      await client.invalidateQueries({ queryKey: classesQuery.queryKey });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        add.mutate(values);
      })}
    >
      <Fields form={form} error={add.error}>
        <FormButtons submit={t("save")} isPending={add.isPending} onClose={onClose} />
      </Fields>
    </form>
  );
}

function Change({ of, onClose }: { of: PersonClass; onClose: () => void }) {
  const { t } = useTranslation(["people", "common"]);
  const form = useClassFields(of);
  const { send, isPending, error, base, conflict } = useClassChange<ReturnType<typeof changes>>({
    of,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/classes/{id}", { params: { path: { id } }, body: { version, ...wanted } }),
    onDone: () => {
      onClose();
      void toast(t("classes.changed", { name: form.getValues().name.trim() }));
    },
    onConflict: (seen, now) => {
      form.setValues(merged(seen, form.getValues(), now));
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        const wanted = changes(base, values);
        if (Object.keys(wanted).length === 0) onClose();
        else send(wanted);
      })}
    >
      <Fields form={form} error={error}>
        {conflict !== null && <ClassConflict {...conflict} />}
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

function useClassFields(of?: PersonClass) {
  const { t } = useTranslation("people");
  const whole = (value: string) => (numberIn(value) === undefined ? t("classes.wholeNumber") : null);
  return useForm<Filled>({
    initialValues: filledFor(of),
    validate: {
      name: (value) => (value.trim() === "" ? t("classes.nameMissing") : null),
      devices: whole,
      points_per_second: whole,
      retention_days: whole,
      storage_bytes: (value) => (bytesIn(value) === undefined ? t("classes.gibibytes") : null),
    },
  });
}

interface FieldsProps {
  form: ReturnType<typeof useClassFields>;
  error: Error | null;
  children: ReactNode;
}

function Fields({ form, error, children }: FieldsProps) {
  const { t } = useTranslation("people");
  return (
    <Stack gap="md">
      <TextInput
        label={t("classes.name")}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
      {QUOTAS.map((quota) => (
        <TextInput
          key={quota}
          label={t(LABELS[quota].label)}
          description={t(LABELS[quota].hint)}
          placeholder={t("classes.unbound")}
          inputMode={quota === "storage_bytes" ? "decimal" : "numeric"}
          maxLength={quota === "storage_bytes" ? 18 : 9}
          autoComplete="off"
          {...form.getInputProps(quota)}
        />
      ))}
      <FormFailure error={error} />
      {children}
    </Stack>
  );
}
