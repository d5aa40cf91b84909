/** Finds a device by words, to choose it. */
import { Button, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Check, Search } from "lucide-react";
import { useState } from "react";
import { type Device, devicesQuery } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import classes from "./devices.module.css";

const TYPING_MS = 200;
/** So many are shown; words find the others. */
const SHOWN = 20;

/** Properties of {@link FindDevice}; the words are those of the page that it stands on. */
export interface FindDeviceProps {
  label: string;
  hint: string;
  /** Names the list of what was found. */
  list: string;
  /** Said when there is no device to choose. */
  none: string;
  /** Said when the words fit none. */
  noneFits: string;
  /** Said when more fit than are listed. */
  more: (shown: number) => string;
  /** Whether a device may be chosen; without it, all may. */
  fits?: (device: Device) => boolean;
  /** What stands beside the name. */
  noteOf?: (device: Device) => string | null;
  /** The id of the one that is chosen, null for none; without it, choosing is the end. */
  chosen?: string | null;
  onChoose: (device: Device) => void;
}

/** A field and what it finds. */
export function FindDevice(props: FindDeviceProps) {
  const { label, hint, list: listLabel, none, noneFits, more, fits = () => true, noteOf, chosen, onChoose } = props;
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim(), TYPING_MS);
  const list = useInfiniteQuery({ ...devicesQuery(words === "" ? {} : { q: words }), placeholderData: keepPreviousData });
  const found = (list.data?.pages[0]?.devices ?? []).filter(fits);
  return (
    <Stack gap="md">
      <TextInput
        type="search"
        label={label}
        description={hint}
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
          {words === "" ? none : noneFits}
        </Text>
      )}
      <ul className={classes["found"]} aria-label={listLabel}>
        {found.slice(0, SHOWN).map((device) => {
          const note = noteOf?.(device) ?? null;
          return (
            <li key={device.id}>
              <Button
                variant="default"
                aria-pressed={chosen === undefined ? undefined : chosen === device.id}
                fullWidth
                justify="space-between"
                rightSection={
                  <>
                    {note !== null && <span className="sn-dim">{note}</span>}
                    {chosen === device.id && <Check size={16} aria-hidden />}
                  </>
                }
                onClick={() => {
                  onChoose(device);
                }}
              >
                {device.name}
              </Button>
            </li>
          );
        })}
      </ul>
      {found.length > SHOWN && <Text c="dimmed">{more(SHOWN)}</Text>}
    </Stack>
  );
}
