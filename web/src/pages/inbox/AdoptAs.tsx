/** The dialog that adopts a device under another name, with a type, or in the place of one that there is. */
import { Modal, NativeSelect, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AdoptionRequest, Newcomer } from "@/api/inbox";
import { type Device, deviceTypesQuery } from "@/api/queries";
import { FindDevice } from "@/pages/devices/FindDevice";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { useAdoption } from "./useAdoption";

/** What stands for a type that is made of what is recognised; no id of a type is like it. */
const NEW_TYPE = "new";

/** The type in a request. */
function ofType(type: string, newType: string): Pick<AdoptionRequest, "type" | "new_type"> {
  if (type === NEW_TYPE) return { new_type: newType };
  return type === "" ? {} : { type };
}

/** Properties of {@link AdoptAs}. */
export interface AdoptAsProps {
  newcomer: Newcomer;
  /** Why it could not be adopted as it is. */
  refusal: Error | null;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function AdoptAs(props: AdoptAsProps) {
  const { t } = useTranslation(["inbox", "common"]);
  const { newcomer, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("adoptTitle", { name: newcomer.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Ways {...props} />
    </Modal>
  );
}

function Ways(props: AdoptAsProps) {
  const { t } = useTranslation("inbox");
  const [way, setWay] = useState<"new" | "existing">("new");
  return (
    <Stack gap="md">
      <SegmentedControl
        fullWidth
        aria-label={t("adoptWay")}
        data={[
          { value: "new", label: t("asNew") },
          { value: "existing", label: t("asExisting") },
        ]}
        value={way}
        onChange={(chosen) => {
          setWay(chosen === "new" ? "new" : "existing");
        }}
      />
      {way === "new" ? <AsNew {...props} /> : <AsExisting {...props} />}
    </Stack>
  );
}

function AsNew({ newcomer, refusal, onClose }: AdoptAsProps) {
  const { t } = useTranslation("inbox");
  const types = useQuery(deviceTypesQuery);
  const adopt = useAdoption({ onDone: onClose });
  const form = useForm({
    initialValues: { name: newcomer.name, type: "", newType: "" },
    validate: {
      name: (value) => (value.trim() === "" ? t("nameMissing") : null),
      newType: (value, { type }) => (type === NEW_TYPE && value.trim() === "" ? t("newTypeMissing") : null),
    },
  });
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(({ name, type, newType }) => {
        adopt.mutate({ newcomer, request: { name: name.trim(), ...ofType(type, newType.trim()) } });
      })}
    >
      <Stack gap="md">
        <TextInput
          label={t("name")}
          description={t("nameHint", { name: newcomer.name })}
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
          data={[
            { value: "", label: t("noType") },
            { value: NEW_TYPE, label: t("newType") },
            ...(types.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
          {...form.getInputProps("type")}
        />
        {form.values.type === NEW_TYPE && (
          <TextInput
            label={t("newTypeName")}
            description={t("newTypeHint")}
            maxLength={100}
            autoComplete="off"
            {...form.getInputProps("newType")}
          />
        )}
        <FormFailure error={adopt.isIdle ? (refusal ?? types.error) : adopt.error} />
        <FormButtons submit={t("adopt")} isPending={adopt.isPending} onClose={onClose} />
      </Stack>
    </form>
  );
}

function AsExisting({ newcomer, onClose }: AdoptAsProps) {
  const { t } = useTranslation("inbox");
  const [chosen, setChosen] = useState<Device | null>(null);
  const [isMissing, setMissing] = useState(false);
  const adopt = useAdoption({ onDone: onClose });
  return (
    <Stack gap="md">
      <Text c="dimmed">{t("existingWhy", { name: newcomer.name })}</Text>
      <FindDevice
        label={t("findDevice")}
        hint={t("findDeviceHint")}
        list={t("devicesThatAre")}
        none={t("noDevice")}
        noneFits={t("noDeviceFits")}
        more={(count) => t("moreDevices", { count })}
        noteOf={({ type }) => type?.name ?? null}
        isChosen={({ id }) => id === chosen?.id}
        onChoose={setChosen}
      />
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(chosen === null);
          if (chosen !== null) adopt.mutate({ newcomer, request: { device: chosen.id } });
        }}
      >
        <Stack gap="md">
          <FormFailure error={adopt.error ?? (isMissing && chosen === null ? t("deviceMissing") : null)} />
          <FormButtons
            submit={chosen === null ? t("adopt") : t("adoptInPlace", { name: chosen.name })}
            isPending={adopt.isPending}
            onClose={onClose}
          />
        </Stack>
      </form>
    </Stack>
  );
}
