/** The dialog that says what a device is to be like, as JSON; a change that came first is shown. */
import { Button, Group, Modal, Stack, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { type DeviceState, deviceStateQuery } from "@/api/deviceState";
import type { Device } from "@/api/queries";
import { useVersionedChange } from "@/api/useVersionedChange";
import { changesOf } from "@/pages/audit/diff";
import { ConflictNotice } from "@/shell/ConflictNotice";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { objectIn, shown } from "./json";

/** Properties of {@link EditDesired}. */
export interface EditDesiredProps {
  device: Device;
  state: DeviceState;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function EditDesired({ device, state, opened, onClose }: EditDesiredProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("desiredTitle", { name: device.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Form device={device} state={state} onClose={onClose} />
    </Modal>
  );
}

function Form({ device, state, onClose }: Omit<EditDesiredProps, "opened">) {
  const { t } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  const { id, name } = device;
  // What is asked for meanwhile does not change what somebody writes, nor what it is made for.
  const [thing] = useState(state);
  const [text, setText] = useState(() => shown(thing.desired.state));
  const [problem, setProblem] = useState<string | null>(null);
  const { send, isPending, error, conflict } = useVersionedChange<DeviceState, Record<string, unknown>>({
    thing,
    request: ({ desired: { version } }, wanted) =>
      api.PUT("/api/v1/devices/{id}/state/desired", {
        params: { path: { id } },
        body: { version, state: wanted as Record<string, never> },
      }),
    onDone: () => {
      onClose();
      void toast(t("desiredDone", { name }));
    },
    refresh: () => client.invalidateQueries({ queryKey: deviceStateQuery(id).queryKey }),
  });
  const found = conflict === null ? [] : changesOf(conflict.seen.desired.state, conflict.now.desired.state);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const read = objectIn(text);
        if ("object" in read) {
          setProblem(null);
          send(read.object);
        } else {
          setProblem(read.problem ?? t("noObject"));
        }
      }}
    >
      <Stack gap="md">
        <Textarea
          label={t("desired")}
          description={t("desiredHint")}
          classNames={{ input: "sn-mono" }}
          error={problem}
          value={text}
          autosize
          minRows={8}
          maxRows={20}
          spellCheck={false}
          autoCapitalize="none"
          data-autofocus
          onChange={(event) => {
            setText(event.currentTarget.value);
          }}
        />
        <FormFailure error={error} />
        {conflict !== null && (
          <ConflictNotice
            title={t("conflict", { name })}
            found={found.map(({ path, before, after }) => ({
              label: path,
              was: before ?? t("nothing"),
              is: after ?? t("nothing"),
            }))}
          />
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t(conflict === null ? "common:cancel" : "keep")}
          </Button>
          <Button type="submit" loading={isPending}>
            {t(conflict === null ? "save" : "saveAnyway")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
