/** The dialog that imports devices from a CSV file: first it is checked, then it is taken. */
import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { DEVICES_KEY } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import classes from "./devices.module.css";
import { problemsOf } from "./problems";

/** Properties of {@link ImportDevices}. */
export interface ImportDevicesProps {
  opened: boolean;
  onClose: () => void;
}

/** Dialog; closing it forgets the file. */
export function ImportDevices({ opened, onClose }: ImportDevicesProps) {
  const { t } = useTranslation(["devices", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t("importTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <ImportForm onClose={onClose} />
    </Modal>
  );
}

async function send(file: ArrayBuffer, dryRun: boolean) {
  return body(
    await api.POST("/api/v1/devices/import", {
      params: { query: { dry_run: dryRun } },
      headers: { "Content-Type": "text/csv" },
      // As bytes: the server says which line is not encoded rightly.
      body: "",
      bodySerializer: () => file,
    }),
  );
}

function ImportForm({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation(["devices", "common"]);
  const client = useQueryClient();
  // What is taken is what was checked, also if the file changes meanwhile.
  const check = useMutation({
    mutationFn: async (file: File) => {
      const bytes = await file.arrayBuffer();
      return { bytes, would: await send(bytes, true) };
    },
  });
  const take = useMutation({
    mutationFn: (bytes: ArrayBuffer) => send(bytes, false),
    onSuccess: async ({ created, updated }) => {
      onClose();
      void toast(t("importDone", { created, updated }));
      await client.invalidateQueries({ queryKey: DEVICES_KEY });
    },
  });
  const number = new Intl.NumberFormat(i18n.language);
  const error = take.error ?? check.error;
  const checked = check.data;
  const isNothing = checked !== undefined && checked.would.created + checked.would.updated === 0;
  return (
    <Stack gap="md">
      <TextInput
        type="file"
        accept=".csv,text/csv"
        label={t("importFile")}
        description={t("importHint")}
        data-autofocus
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          take.reset();
          if (file === undefined) check.reset();
          else check.mutate(file);
        }}
      />
      <div role="status">
        {check.isPending && <Text c="dimmed">{t("importChecking")}</Text>}
        {checked !== undefined && (
          <>
            <Text>{t(isNothing ? "importNothing" : "importWould")}</Text>
            <dl className={classes["counts"]}>
              {(
                [
                  ["importNew", checked.would.created],
                  ["importChanged", checked.would.updated],
                  ["importSame", checked.would.unchanged],
                ] as const
              ).map(([name, count]) => (
                <div key={name}>
                  <dt>{t(name)}</dt>
                  <dd>{number.format(count)}</dd>
                </div>
              ))}
            </dl>
          </>
        )}
      </div>
      <FormFailure error={error} />
      <Problems error={error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          {t("common:cancel")}
        </Button>
        <Button
          disabled={checked === undefined || isNothing}
          loading={take.isPending}
          onClick={() => {
            if (checked !== undefined) take.mutate(checked.bytes);
          }}
        >
          {t("importNow")}
        </Button>
      </Group>
    </Stack>
  );
}

function Problems({ error }: { error: Error | null }) {
  const { t } = useTranslation("devices");
  const problems = problemsOf(error);
  if (problems.length === 0) return null;
  return (
    <>
      <Text>{t("importAll")}</Text>
      {/* It scrolls, so the keyboard must reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes["problems"]} role="region" aria-label={t("importProblems")} tabIndex={0}>
        <table>
          <caption className="sn-hidden">{t("importProblems")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("line")}</th>
              <th scope="col">{t("problem")}</th>
            </tr>
          </thead>
          <tbody>
            {problems.map(({ line, problem }, index) => (
              <tr key={index}>
                <th scope="row">{line}</th>
                <td>{problem}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
