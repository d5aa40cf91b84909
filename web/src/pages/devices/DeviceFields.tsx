/** The form about a device: name, type, attributes, tags and place. */
import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { deviceTypesQuery } from "@/api/queries";
import { PickLocation } from "@/map/PickLocation";
import { degrees } from "@/map/view";
import { FormFailure } from "@/shell/FormFailure";
import { Pairs } from "./Pairs";
import { type DeviceForm, isDegrees, locationOf, type Pair, wrongPair } from "./wanted";

/** A form with its checks. */
export function useDeviceForm(initialValues: DeviceForm): UseFormReturnType<DeviceForm> {
  const { t } = useTranslation("devices");
  const pairs = (values: readonly Pair[]) => {
    const wrong = wrongPair(values);
    if (wrong === null) return null;
    return wrong === "unnamed" ? t("pair_nameMissing") : t("pair_twice", { name: wrong.twice });
  };
  const isPlace = (text: string, other: string) => {
    if (!isDegrees(text)) return t("degrees");
    return text.trim() === "" && other.trim() !== "" ? t("bothDegrees") : null;
  };
  return useForm<DeviceForm>({
    initialValues,
    validate: {
      name: (value) => (value.trim() === "" ? t("nameMissing") : null),
      attributes: pairs,
      tags: pairs,
      latitude: (value, { longitude }) => isPlace(value, longitude),
      longitude: (value, { latitude }) => isPlace(value, latitude),
    },
  });
}

/** Properties of {@link DeviceFields}. */
export interface DeviceFieldsProps {
  form: UseFormReturnType<DeviceForm>;
  onSubmit: (values: DeviceForm) => void;
  onCancel: () => void;
  isPending: boolean;
  error: Error | null;
  /** The words of the two buttons. */
  submit: string;
  cancel: string;
  /** What stands above the buttons. */
  children?: ReactNode;
}

/** The fields and the buttons below them. */
export function DeviceFields(props: DeviceFieldsProps) {
  const { t } = useTranslation("devices");
  const { form, onSubmit, onCancel, isPending, error, submit, cancel, children } = props;
  const types = useQuery(deviceTypesQuery);
  const errorOf = (field: "attributes" | "tags") => {
    const found = form.errors[field];
    return typeof found === "string" ? found : null;
  };
  const rows = (field: "attributes" | "tags") => (
    <Pairs
      what={t(field)}
      pairs={form.values[field]}
      onChange={(pairs) => {
        form.setFieldValue(field, pairs);
      }}
      error={errorOf(field)}
    />
  );
  return (
    <form noValidate onSubmit={form.onSubmit(onSubmit)}>
      <Stack gap="md">
        <TextInput
          label={t("name")}
          description={t("nameHint")}
          maxLength={100}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <NativeSelect
          label={t("type")}
          description={t("typeHint")}
          data={[{ value: "", label: t("noType") }, ...(types.data ?? []).map(({ id, name }) => ({ value: id, label: name }))]}
          {...form.getInputProps("type")}
        />
        {rows("attributes")}
        {rows("tags")}
        <Group gap="md" grow align="start">
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
        {children}
        <FormFailure error={error ?? types.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            {cancel}
          </Button>
          <Button type="submit" loading={isPending}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
