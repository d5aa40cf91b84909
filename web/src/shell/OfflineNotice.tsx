/** A strip under the top bar while the device or the server is out of reach. */
import { useNetwork } from "@mantine/hooks";
import { CloudOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./OfflineNotice.module.css";

/** Says what is out of reach, or nothing. */
export function OfflineNotice({ serverReachable }: { serverReachable: boolean }) {
  const { t } = useTranslation();
  const { online } = useNetwork();
  const sentence = online ? (serverReachable ? null : t("offline.server")) : t("offline.browser");
  return (
    <div role="status">
      {sentence !== null && (
        <p className={classes["notice"]}>
          <CloudOff size={16} aria-hidden />
          {sentence}
        </p>
      )}
    </div>
  );
}
