/** A strip under the top bar while the server refuses readings because its disk is almost full. */
import { useQuery } from "@tanstack/react-query";
import { HardDrive } from "lucide-react";
import { useTranslation } from "react-i18next";
import { readyQuery } from "@/api/queries";
import { spoken } from "@/charts/format";
import classes from "./OfflineNotice.module.css";

/** Says how much room the disk must have again, or nothing. The server is asked again and again, so that it goes away by itself. */
export function DiskNotice() {
  const { t } = useTranslation();
  const { data } = useQuery(readyQuery);
  const disk = data?.checks.find((check) => check.name === "disk" && check.status !== "pass");
  const needed = disk?.needed_bytes;
  return (
    <div role="status">
      {needed != null && (
        <p className={classes["notice"]}>
          <HardDrive size={16} aria-hidden />
          {t("disk.full", { room: spoken(needed, "bytes") })}
        </p>
      )}
    </div>
  );
}
