/** Asks before a device is enabled, disabled or deleted. */
import { Modal } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Device } from "@/api/queries";
import { Conflict } from "@/pages/devices/Conflict";
import { useDeviceChange } from "@/pages/devices/useDeviceChange";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** What is done. */
export type Act = "enable" | "disable" | "delete";

/** Properties of {@link ActOnDevice}. */
export interface ActOnDeviceProps {
  device: Device;
  how: Act;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function ActOnDevice(props: ActOnDeviceProps) {
  const { t } = useTranslation(["devices", "common"]);
  const { device, how, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`${how}Title`, { name: device.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Question {...props} />
    </Modal>
  );
}

function Question({ device, how, onClose }: ActOnDeviceProps) {
  const { t } = useTranslation(["devices", "common"]);
  const navigate = useNavigate();
  const { send, isPending, error, conflict } = useDeviceChange({
    device,
    request: async ({ id, version }) => {
      if (how === "delete") {
        await api.DELETE("/api/v1/devices/{id}", { params: { path: { id }, query: { version } } });
        // Before the page asks for it again.
        await navigate({ to: "/devices" });
      } else {
        await api.PATCH("/api/v1/devices/{id}", { params: { path: { id } }, body: { version, enabled: how === "enable" } });
      }
    },
    onDone: () => {
      onClose();
      void toast(t(`${how}Done`, { name: device.name }));
    },
  });
  return (
    <Confirmation
      body={t(`${how}Body`)}
      error={error}
      cancel={conflict === null ? undefined : t("keep")}
      confirm={t(conflict === null ? how : `${how}Anyway`)}
      isHarmless={how === "enable"}
      isPending={isPending}
      onConfirm={() => {
        send(undefined);
      }}
      onClose={onClose}
    >
      {conflict !== null && <Conflict {...conflict} />}
    </Confirmation>
  );
}
