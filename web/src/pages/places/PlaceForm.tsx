/** The dialogs that add and change a site, a building or a floor. */
import { Group, Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { type Place, PLACES_KEY } from "@/api/queries";
import { PickLocation } from "@/map/PickLocation";
import { degrees } from "@/map/view";
import { isDegrees, locationOf } from "@/pages/devices/wanted";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { changes, EMPTY, fieldsOf, isLevel, merged, type PlaceFields, wantedOf, type WantedPlace } from "./form";
import { usePlaceChange } from "./usePlaceChange";

/** What a dialog is about: a new place of some kind, or one that there is. */
export type Subject = { kind: Place["kind"]; parent: Place | null } | { place: Place };

/** Properties of {@link PlaceForm}. */
export interface PlaceFormProps {
  subject: Subject;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function PlaceForm({ subject, opened, onClose }: PlaceFormProps) {
  const { t } = useTranslation(["places", "common"]);
  const title =
    "place" in subject
      ? t("changeTitle", { name: subject.place.name })
      : subject.parent === null
        ? t(`add_${subject.kind}`)
        : t(`addIn_${subject.kind}`, { name: subject.parent.name });
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("common:close") }}>
      {"place" in subject ? <Change place={subject.place} onClose={onClose} /> : <Add {...subject} onClose={onClose} />}
    </Modal>
  );
}

function Add({ kind, parent, onClose }: { kind: Place["kind"]; parent: Place | null; onClose: () => void }) {
  const { t } = useTranslation("places");
  const client = useQueryClient();
  const form = usePlaceFields(EMPTY);
  const add = useMutation({
    mutationFn: async ({ name, level, location }: WantedPlace) =>
      body(await api.POST("/api/v1/places", { body: { kind, name, level, location, parent: parent?.id ?? null } })),
    onSuccess: async ({ name }) => {
      onClose();
      void toast(t("added", { name }));
      await client.invalidateQueries({ queryKey: PLACES_KEY });
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit((values) => {
        add.mutate(wantedOf(values));
      })}
    >
      <Fields form={form} kind={kind} error={add.error}>
        <FormButtons submit={t("save")} isPending={add.isPending} onClose={onClose} />
      </Fields>
    </form>
  );
}

function Change({ place, onClose }: { place: Place; onClose: () => void }) {
  const { t } = useTranslation("places");
  const form = usePlaceFields(fieldsOf(place));
  const { send, isPending, error, base, conflict } = usePlaceChange<Partial<WantedPlace>>({
    place,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/places/{id}", { params: { path: { id } }, body: { version, ...wanted } }),
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
      <Fields form={form} kind={place.kind} error={error}>
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

function usePlaceFields(initialValues: PlaceFields) {
  const { t } = useTranslation("places");
  const isPlace = (text: string, other: string) => {
    if (!isDegrees(text)) return t("degrees");
    return text.trim() === "" && other.trim() !== "" ? t("bothDegrees") : null;
  };
  return useForm<PlaceFields>({
    initialValues,
    validate: {
      name: (value) => (value.trim() === "" ? t("nameMissing") : null),
      level: (value) => (isLevel(value) ? null : t("levelWrong")),
      latitude: (value, { longitude }) => isPlace(value, longitude),
      longitude: (value, { latitude }) => isPlace(value, latitude),
    },
  });
}

interface FieldsProps {
  form: ReturnType<typeof usePlaceFields>;
  kind: Place["kind"];
  error: Error | null;
  children: ReactNode;
}

function Fields({ form, kind, error, children }: FieldsProps) {
  const { t } = useTranslation("places");
  return (
    <Stack gap="md">
      <TextInput
        label={t("name")}
        description={t(`nameHint_${kind}`)}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
      {kind === "floor" && (
        <TextInput
          label={t("level")}
          description={t("levelHint")}
          inputMode="numeric"
          autoComplete="off"
          {...form.getInputProps("level")}
        />
      )}
      <Group grow align="start" gap="sm">
        <TextInput label={t("latitude")} inputMode="decimal" autoComplete="off" {...form.getInputProps("latitude")} />
        <TextInput label={t("longitude")} inputMode="decimal" autoComplete="off" {...form.getInputProps("longitude")} />
      </Group>
      <PickLocation
        open={t("pickOpen")}
        takeMiddle={t("pickMiddle")}
        label={t("pickLabel")}
        value={locationOf(form.values)}
        onPick={({ latitude, longitude }) => {
          form.setFieldValue("latitude", degrees(latitude));
          form.setFieldValue("longitude", degrees(longitude));
        }}
      />
      <FormFailure error={error} />
      {children}
    </Stack>
  );
}
