/** The dialog that changes a device; a change that came first is shown. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Device } from "@/api/queries";
import { Conflict } from "@/pages/devices/Conflict";
import { DeviceFields, useDeviceForm } from "@/pages/devices/DeviceFields";
import { useDeviceChange } from "@/pages/devices/useDeviceChange";
import { changes, formOf, merged, type Wanted, wantedOf } from "@/pages/devices/wanted";
import { toast } from "@/shell/toast";

/** Properties of {@link EditDevice}. */
export interface EditDeviceProps {
  device: Device;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function EditDevice({ device, opened, onClose }: EditDeviceProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("editTitle", { name: device.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <EditForm device={device} onClose={onClose} />
    </Modal>
  );
}

function EditForm({ device, onClose }: Omit<EditDeviceProps, "opened">) {
  const { t } = useTranslation(["devices", "common"]);
  const form = useDeviceForm(formOf(device));
  const { send, isPending, error, base, conflict } = useDeviceChange<Partial<Wanted>>({
    device,
    request: ({ id, version }, wanted) =>
      api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body: { version, ...wanted } }),
    onDone: () => {
      onClose();
      void toast(t("changed", { name: form.values.name.trim() }));
    },
    onConflict: (seen, now) => {
      form.setValues(merged(seen, form.getValues(), now));
    },
  });
  return (
    <DeviceFields
      form={form}
      onSubmit={(values) => {
        const wanted = changes(base, wantedOf(values));
        if (Object.keys(wanted).length === 0) onClose();
        else send(wanted);
      }}
      onCancel={onClose}
      isPending={isPending}
      error={error}
      submit={t(conflict === null ? "save" : "saveAnyway")}
      cancel={t(conflict === null ? "common:cancel" : "keep")}
    >
      {conflict !== null && <Conflict {...conflict} />}
    </DeviceFields>
  );
}
