/** The dialog that adds a device, and then leads to it. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { DEVICES_KEY } from "@/api/queries";
import { toast } from "@/shell/toast";
import { DeviceFields, useDeviceForm } from "./DeviceFields";
import { EMPTY, type Wanted, wantedOf } from "./wanted";

/** Properties of {@link AddDevice}. */
export interface AddDeviceProps {
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function AddDevice({ opened, onClose }: AddDeviceProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal opened={opened} onClose={onClose} title={t("addTitle")} closeButtonProps={{ "aria-label": t("common:close") }}>
      <AddForm onClose={onClose} />
    </Modal>
  );
}

function AddForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const navigate = useNavigate();
  const form = useDeviceForm(EMPTY);
  const add = useMutation({
    mutationFn: async (wanted: Wanted) => body(await api.POST("/api/v1/devices", { body: wanted })),
    onSuccess: async ({ id, name }) => {
      void toast(t("added", { name }));
      await client.invalidateQueries({ queryKey: DEVICES_KEY });
      await navigate({ to: "/devices/$id", params: { id } });
    },
  });
  return (
    <DeviceFields
      form={form}
      onSubmit={(values) => {
        add.mutate(wantedOf(values));
      }}
      onCancel={onClose}
      isPending={add.isPending}
      error={add.error}
      submit={t("create")}
      cancel={t("common:cancel")}
    />
  );
}
