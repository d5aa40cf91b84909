/** What stands on a plan, in words: for screen readers, for phones, and to find something. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { DeviceOnPlan, DeviceType } from "@/api/queries";
import { useNowAs } from "@/charts/now";
import { Moment } from "@/shell/Moment";
import { ConditionWord } from "./Condition";
import classes from "./place.module.css";
import { conditionOf, heardAt, spoken, valuesOf } from "./standing";

/** So many values of a device are shown here; the others are on its own page. */
const VALUES = 8;

/** Properties of {@link DeviceList}. */
export interface DeviceListProps {
  devices: readonly DeviceOnPlan[];
  types: ReadonlyMap<string, DeviceType>;
  selected: string | undefined;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  hasPlan: boolean;
  onShow: (device: DeviceOnPlan) => void;
  /** Takes it off the plan; only in the mode for it. */
  onRemove?: ((device: DeviceOnPlan) => void) | undefined;
}

/** The list. */
export function DeviceList({ devices, types, ...others }: DeviceListProps) {
  const { t } = useTranslation("places");
  return (
    <ul className={classes["devices"]} aria-label={t("devicesHere")}>
      {devices.map((device) => (
        <Item key={device.id} device={device} type={types.get(device.type?.id ?? "")} {...others} />
      ))}
    </ul>
  );
}

interface ItemProps extends Omit<DeviceListProps, "devices" | "types"> {
  device: DeviceOnPlan;
  type: DeviceType | undefined;
}

function Item({ device, type, selected, now, hasPlan, onShow, onRemove }: ItemProps) {
  const { t, i18n } = useTranslation("places");
  const condition = useNowAs((time) => conditionOf(device, time));
  const { id, name } = device;
  const values = valuesOf(device, type);
  const heard = heardAt(device);
  return (
    <li data-selected={id === selected || undefined} data-condition={condition} id={`device-${id}`}>
      <div className={classes["itemHead"]}>
        <Link to="/devices/$id" params={{ id }}>
          {name}
        </Link>
        <ConditionWord condition={condition} />
      </div>
      {values.length > 0 && (
        <dl>
          {values.slice(0, VALUES).map((value, index) => (
            <div key={index}>
              <dt>{value.name}</dt>
              <dd>{spoken(value, i18n.language)}</dd>
            </div>
          ))}
        </dl>
      )}
      <div className={classes["itemFoot"]}>
        <span className="sn-dim">{heard === null ? t("never") : <Moment time={heard} now={now} />}</span>
        <span>
          {onRemove !== undefined && (
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              aria-label={t("removeNamed", { name })}
              onClick={() => {
                onRemove(device);
              }}
            >
              {t("remove")}
            </Button>
          )}
          {hasPlan && (
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              aria-label={t("showNamed", { name })}
              onClick={() => {
                onShow(device);
              }}
            >
              {t("show")}
            </Button>
          )}
        </span>
      </div>
    </li>
  );
}
