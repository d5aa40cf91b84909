/** Whether a device may write: by icon and word. */
import { CircleCheck, CirclePause } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./devices.module.css";

/** Enabled or disabled. */
export function State({ enabled }: { enabled: boolean }) {
  const { t } = useTranslation("devices");
  const Icon = enabled ? CircleCheck : CirclePause;
  return (
    <span className={classes["state"]} data-enabled={enabled}>
      <Icon size={14} aria-hidden />
      {t(enabled ? "enabled" : "disabled")}
    </span>
  );
}
