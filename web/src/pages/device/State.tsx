/** What a device is to be like, what it says that it is, and where that differs. Editors say what it is to be like. */
import { Button, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, Pencil, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type DeviceState, deviceStateQuery } from "@/api/deviceState";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import classes from "./device.module.css";
import { EditDesired } from "./EditDesired";
import { brief, shown } from "./json";

/** Properties of {@link State}. */
export interface StateProps {
  device: Device;
  mayChange: boolean;
}

/** The section. */
export function State({ device, mayChange }: StateProps) {
  const { t } = useTranslation("devices");
  const state = useQuery(deviceStateQuery(device.id));
  const [editing, edit] = useDisclosure(false);
  return (
    <section className={classes["section"]} aria-labelledby="device-state">
      <div className={classes["sectionHead"]}>
        <Title order={2} id="device-state">
          {t("stateTitle")}
        </Title>
        {mayChange && state.data !== undefined && (
          <Button variant="default" leftSection={<Pencil size={14} aria-hidden />} onClick={edit.open}>
            {t("editDesired")}
          </Button>
        )}
      </div>
      <FormFailure error={state.error} />
      {state.isPending && <Loading />}
      {state.data !== undefined && (
        <>
          <Difference state={state.data} />
          <div className={classes["states"]}>
            <Document name={t("desired")} of={state.data.desired} never={t("desiredNever")} now={state.dataUpdatedAt} />
            <Document name={t("reported")} of={state.data.reported} never={t("reportedNever")} now={state.dataUpdatedAt} />
          </div>
          <EditDesired device={device} state={state.data} opened={editing} onClose={edit.close} />
        </>
      )}
    </section>
  );
}

function Difference({ state: { desired, difference, differences } }: { state: DeviceState }) {
  const { t } = useTranslation("devices");
  if (desired.version === 0) return null;
  if (differences === 0) {
    return (
      <p className={classes["verdict"]} data-alike="true">
        <CircleCheck size={14} aria-hidden />
        {t("asDesired")}
      </p>
    );
  }
  return (
    <>
      <p className={classes["verdict"]}>
        <TriangleAlert size={14} aria-hidden />
        {t("differs", { count: differences })}
      </p>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("difference")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("path")}</th>
            <th scope="col">{t("desired")}</th>
            <th scope="col">{t("reported")}</th>
          </tr>
        </thead>
        <tbody>
          {difference.map(({ path, desired: wanted, reported, missing }) => (
            <tr key={path}>
              <th scope="row" className="sn-mono">
                {path}
              </th>
              <td data-label={t("desired")} className={classes["json"]}>
                {brief(wanted)}
              </td>
              <td data-label={t("reported")} className={classes["json"]}>
                {missing ? <span className="sn-dim">{t("notReported")}</span> : brief(reported)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {differences > difference.length && <Text c="dimmed">{t("moreDiffer", { count: differences - difference.length })}</Text>}
    </>
  );
}

interface DocumentProps {
  name: string;
  of: DeviceState["desired"];
  /** What is said when there is none. */
  never: string;
  now: number;
}

function Document({ name, of: { version, state, changed_at }, never, now }: DocumentProps) {
  const { t } = useTranslation("devices");
  return (
    <div className={`sn-panel ${classes["document"] ?? ""}`}>
      <Title order={3}>{name}</Title>
      {changed_at === null ? (
        <Text c="dimmed">{never}</Text>
      ) : (
        <>
          <Text c="dimmed">
            {t("stateVersion", { version })} · <Moment time={new Date(changed_at)} now={now} />
          </Text>
          <pre>{shown(state)}</pre>
        </>
      )}
    </div>
  );
}
