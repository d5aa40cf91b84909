/** One device: its state, last values, attributes and tags, API tokens, keys and certificates, and what can be done with it. */
import { Anchor, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useRouteContext, useSearch } from "@tanstack/react-router";
import { ChevronLeft, CircuitBoard, Cpu, Pencil } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { deviceQuery, deviceTypesQuery, type DeviceWithValues } from "@/api/queries";
import { isEditor, isGuest } from "@/api/roles";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { type Act, ActOnDevice } from "./ActOnDevice";
import { Commands } from "./Commands";
import { Credentials } from "./Credentials";
import classes from "./device.module.css";
import { EditDevice } from "./EditDevice";
import { Facts } from "./Facts";
import { LastValues } from "./LastValues";
import { State } from "./State";
import { Tokens } from "./Tokens";

/** The page `/devices/$id`. */
export default function DevicePage() {
  const { t } = useTranslation("devices");
  const { id } = useParams({ from: "/signed-in/devices/$id" });
  const { db } = useSearch({ from: "/signed-in/devices/$id" });
  const seesOnlyShared = useRouteContext({ from: "/signed-in", select: (context) => isGuest(context.session.user.role) });
  const device = useQuery(deviceQuery(id, db));
  // Without the database, to tell a device that is gone from a database that is.
  const isGone = device.error instanceof ApiError && [400, 404].includes(device.error.status) && db === undefined;
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("all")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/devices" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
      </nav>
      {isGone ? (
        <EmptyState order={1} icon={Cpu} title={t("gone")} description={t(seesOnlyShared ? "goneGuest" : "goneWhy")}>
          <Link to="/devices">{t("all")}</Link>
        </EmptyState>
      ) : (
        <FormFailure error={device.error} />
      )}
      {device.error !== null && db !== undefined && (
        <Link to="/devices/$id" params={{ id }} search={{}}>
          {t("valuesOfMain")}
        </Link>
      )}
      {device.isPending && <Loading />}
      {device.data !== undefined && !isGone && <Found device={device.data} now={device.dataUpdatedAt} database={db} />}
    </div>
  );
}

interface FoundProps {
  device: DeviceWithValues;
  now: number;
  database: string | undefined;
}

function Found({ device, now, database }: FoundProps) {
  const { t } = useTranslation("devices");
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const seesOnlyShared = isGuest(role);
  const types = useQuery({ ...deviceTypesQuery, enabled: !seesOnlyShared });
  const [editing, edit] = useDisclosure(false);
  const [act, setAct] = useState<Act>("disable");
  const [asking, ask] = useDisclosure(false);
  const mayChange = isEditor(role);
  const choose = (how: Act) => () => {
    setAct(how);
    ask.open();
  };
  const type = types.data?.find(({ id }) => id === device.type?.id);
  return (
    <>
      <PageHeader title={device.name}>
        {!seesOnlyShared && (
          <Button
            variant="default"
            leftSection={<CircuitBoard size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/device-code" {...props} />}
          >
            {t("deviceCode")}
          </Button>
        )}
        {mayChange && (
          <>
            <Button variant="default" onClick={choose(device.enabled ? "disable" : "enable")}>
              {t(device.enabled ? "disable" : "enable")}
            </Button>
            <Button variant="default" onClick={choose("delete")}>
              {t("delete")}
            </Button>
            <Button leftSection={<Pencil size={16} aria-hidden />} onClick={edit.open}>
              {t("edit")}
            </Button>
          </>
        )}
      </PageHeader>
      <Facts device={device} now={now} />
      <LastValues device={device} type={type} now={now} database={database} mayQuery={!seesOnlyShared} />
      <State device={device} mayChange={mayChange} />
      {!seesOnlyShared && <Commands device={device} mayChange={mayChange} />}
      {mayChange && <Tokens device={device} />}
      {mayChange && <Credentials device={device} />}
      <EditDevice device={device} opened={editing} onClose={edit.close} />
      <ActOnDevice device={device} how={act} opened={asking} onClose={ask.close} />
    </>
  );
}
