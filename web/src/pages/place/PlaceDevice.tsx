/** The dialog that chooses a device to be put on the plan. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Device, Place } from "@/api/queries";
import { FindDevice } from "@/pages/devices/FindDevice";

/** Properties of {@link PlaceDevice}. */
export interface PlaceDeviceProps {
  place: Place;
  places: readonly Place[];
  opened: boolean;
  onChoose: (device: Device) => void;
  onClose: () => void;
}

/** Dialog. */
export function PlaceDevice({ place, places, opened, onChoose, onClose }: PlaceDeviceProps) {
  const { t } = useTranslation(["places", "common"]);
  const nameOf = (id: string) => places.find((one) => one.id === id)?.name ?? "";
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("putTitle", { name: place.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <FindDevice
        label={t("findDevice")}
        hint={t("findDeviceHint")}
        list={t("devicesToPut")}
        none={t("noOtherDevice")}
        noneFits={t("noDeviceFits")}
        more={(count) => t("moreDevices", { count })}
        fits={({ position }) => position?.place !== place.id}
        noteOf={({ position }) => (position === null ? null : t("standsOn", { name: nameOf(position.place) }))}
        onChoose={onChoose}
      />
    </Modal>
  );
}
