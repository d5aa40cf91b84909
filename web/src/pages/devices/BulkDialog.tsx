/** Asks before many devices are changed, shows how far it is, and says in the end what was done and what was not. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/api/client";
import { type Device, DEVICES_KEY } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { type Account, type BulkAct, changeAll } from "./bulk";
import classes from "./devices.module.css";

/** Properties of {@link BulkDialog}. */
export interface BulkDialogProps {
  how: BulkAct["how"];
  devices: readonly Device[];
  opened: boolean;
  onClose: () => void;
}

/** Dialog; it is not closed by accident while it changes something. */
export function BulkDialog({ how, devices, opened, onClose }: BulkDialogProps) {
  const { t } = useTranslation(["devices", "common"]);
  const [isRunning, setRunning] = useState(false);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      closeOnClickOutside={!isRunning}
      closeOnEscape={!isRunning}
      withCloseButton={!isRunning}
      title={t(`bulkTitle_${how}`, { count: devices.length })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Bulk how={how} devices={devices} onClose={onClose} onRunning={setRunning} />
    </Modal>
  );
}

interface BulkProps extends Omit<BulkDialogProps, "opened"> {
  onRunning: (isRunning: boolean) => void;
}

interface Run {
  devices: readonly Device[];
  act: BulkAct;
  account: Account;
  isOver: boolean;
}

function Bulk({ how, devices, onClose, onRunning }: BulkProps) {
  const { t } = useTranslation("devices");
  const client = useQueryClient();
  const control = useRef<AbortController | null>(null);
  const [run, setRun] = useState<Run | null>(null);
  useEffect(() => () => control.current?.abort(), []);
  const begin = async (some: readonly Device[], act: BulkAct) => {
    const mine = new AbortController();
    control.current = mine;
    onRunning(true);
    setRun({ devices: some, act, account: { done: 0, same: 0, failed: [], untried: some }, isOver: false });
    const onProgress = (account: Account) => {
      setRun({ devices: some, act, account, isOver: false });
    };
    const account = await changeAll(some, act, onProgress, mine.signal);
    onRunning(false);
    setRun({ devices: some, act, account, isOver: true });
    await client.invalidateQueries({ queryKey: DEVICES_KEY });
  };
  if (run !== null) {
    if (run.isOver) return <Told run={run} onAgain={(some) => void begin(some, run.act)} onClose={onClose} />;
    return (
      <Progress
        run={run}
        onStop={() => {
          control.current?.abort();
        }}
      />
    );
  }
  if (how === "tag") return <TagForm onSubmit={(act) => void begin(devices, act)} onClose={onClose} />;
  return (
    <Confirmation
      body={t(`bulkBody_${how}`)}
      error={null}
      confirm={t(`bulk_${how}`)}
      isHarmless={how === "enable"}
      isPending={false}
      onConfirm={() => void begin(devices, { how })}
      onClose={onClose}
    />
  );
}

function TagForm({ onSubmit, onClose }: { onSubmit: (act: BulkAct) => void; onClose: () => void }) {
  const { t } = useTranslation(["devices", "common"]);
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [isMissing, setMissing] = useState(false);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (name.trim() === "") setMissing(true);
    else onSubmit({ how: "tag", name: name.trim(), value: value.trim() });
  };
  return (
    <form noValidate onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label={t("tagName")}
          maxLength={64}
          autoComplete="off"
          data-autofocus
          value={name}
          error={isMissing && name.trim() === "" ? t("tagNameMissing") : null}
          onChange={(event) => {
            setName(event.currentTarget.value);
          }}
        />
        <TextInput
          label={t("tagValue")}
          description={t("tagValueHint")}
          maxLength={256}
          autoComplete="off"
          value={value}
          onChange={(event) => {
            setValue(event.currentTarget.value);
          }}
        />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            {t("common:cancel")}
          </Button>
          <Button type="submit">{t("bulk_tag")}</Button>
        </Group>
      </Stack>
    </form>
  );
}

function Progress({ run, onStop }: { run: Run; onStop: () => void }) {
  const { t } = useTranslation("devices");
  const { done, same, failed } = run.account;
  const tried = done + same + failed.length;
  const words = t("bulkProgress", { tried, all: run.devices.length });
  return (
    <Stack gap="md">
      <progress className={classes["progress"]} max={run.devices.length} value={tried} aria-label={t("bulkRunning")} />
      <Text>{failed.length === 0 ? words : `${words} · ${t("bulkFailed", { count: failed.length })}`}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onStop} data-autofocus>
          {t("bulkStop")}
        </Button>
      </Group>
    </Stack>
  );
}

function Told({ run, onAgain, onClose }: { run: Run; onAgain: (devices: readonly Device[]) => void; onClose: () => void }) {
  const { t } = useTranslation(["devices", "common"]);
  const { done, same, failed, untried } = run.account;
  // What is to be deleted was changed meanwhile if that failed: whoever deletes it should look at the list again.
  const again = [...(run.act.how === "delete" ? [] : failed.map(({ device }) => device)), ...untried];
  return (
    <Stack gap="md">
      <div role="status">
        <ul className={classes["account"]}>
          <li>{t("bulkDone", { count: done })}</li>
          {same > 0 && <li>{t(run.act.how === "delete" ? "bulkGone" : "bulkSame", { count: same })}</li>}
          {failed.length > 0 && <li>{t("bulkFailed", { count: failed.length })}</li>}
          {untried.length > 0 && <li>{t("bulkUntried", { count: untried.length })}</li>}
        </ul>
      </div>
      {failed.length > 0 && (
        // Focusable so that the keyboard scrolls it.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className={classes["problems"]} tabIndex={0} role="region" aria-label={t("bulkReasons")}>
          <table aria-label={t("bulkReasons")}>
            <tbody>
              {failed.map(({ device, error }) => (
                <tr key={device.id}>
                  <th scope="row">{device.name}</th>
                  <td>{sentenceOf(error)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Group justify="flex-end" gap="sm">
        {again.length > 0 && (
          <Button
            variant="default"
            onClick={() => {
              onAgain(again);
            }}
          >
            {t("bulkAgain", { count: again.length })}
          </Button>
        )}
        <Button onClick={onClose} data-autofocus>
          {t("common:close")}
        </Button>
      </Group>
    </Stack>
  );
}
