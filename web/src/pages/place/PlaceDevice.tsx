/** The dialog that chooses a device to be put on the plan. */
import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Device, devicesQuery, type Place } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import classes from "./place.module.css";

const TYPING_MS = 200;
/** So many are shown; words find the others. */
const SHOWN = 20;

/** Properties of {@link PlaceDevice}. */
export interface PlaceDeviceProps {
  place: Place;
  places: readonly Place[];
  opened: boolean;
  onChoose: (device: Device) => void;
  onClose: () => void;
}

/** Dialog. */
export function PlaceDevice(props: PlaceDeviceProps) {
  const { t } = useTranslation(["places", "common"]);
  const { place, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("putTitle", { name: place.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Choice {...props} />
    </Modal>
  );
}

function Choice({ place, places, onChoose }: PlaceDeviceProps) {
  const { t } = useTranslation("places");
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim(), TYPING_MS);
  const list = useInfiniteQuery({ ...devicesQuery(words === "" ? {} : { q: words }), placeholderData: keepPreviousData });
  const found = (list.data?.pages[0]?.devices ?? []).filter(({ position }) => position?.place !== place.id);
  const nameOf = (id: string) => places.find((one) => one.id === id)?.name ?? "";
  return (
    <Stack gap="md">
      <TextInput
        type="search"
        label={t("findDevice")}
        description={t("findDeviceHint")}
        maxLength={100}
        autoComplete="off"
        data-autofocus
        leftSection={<Search size={14} aria-hidden />}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
        }}
      />
      <FormFailure error={list.error} />
      {list.isPending && <Loading />}
      {list.data !== undefined && found.length === 0 && (
        <Text c="dimmed" role="status">
          {t(words === "" ? "noOtherDevice" : "noDeviceFits")}
        </Text>
      )}
      <ul className={classes["choice"]} aria-label={t("devicesToPut")}>
        {found.slice(0, SHOWN).map((device) => (
          <li key={device.id}>
            <Button
              variant="default"
              fullWidth
              justify="space-between"
              rightSection={
                device.position === null ? null : (
                  <span className="sn-dim">{t("standsOn", { name: nameOf(device.position.place) })}</span>
                )
              }
              onClick={() => {
                onChoose(device);
              }}
            >
              {device.name}
            </Button>
          </li>
        ))}
      </ul>
      {found.length > SHOWN && <Text c="dimmed">{t("moreDevices", { count: SHOWN })}</Text>}
    </Stack>
  );
}
