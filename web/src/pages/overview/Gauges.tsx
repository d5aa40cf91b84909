/** The four dials of a machine: processor, memory, its fullest disk and its load. */
import { useTranslation } from "react-i18next";
import { Gauge, reading, spoken, useNow } from "@/charts";
import classes from "./Gauges.module.css";
import type { OverviewModel } from "./model";
import { disksByFullness, newest } from "./vitals";

export interface GaugesProps {
  model: OverviewModel;
  host: string;
}

/** A dial older than this has stopped; the sampler writes once a second, disks less often. */
const STALE_MS = 15_000;

export function Gauges({ model, host }: GaugesProps) {
  const { t } = useTranslation("overview");
  const present = model.present(useNow());
  const stale = (time: number) => present - time > STALE_MS;
  const idle = newest(model, host, "cpu", "usage_idle");
  const user = newest(model, host, "cpu", "usage_user");
  const system = newest(model, host, "cpu", "usage_system");
  const used = newest(model, host, "mem", "used");
  const total = newest(model, host, "mem", "total");
  const usedPercent = newest(model, host, "mem", "used_percent");
  const memoryPercent = Number.isFinite(usedPercent.value) ? usedPercent.value : (used.value / total.value) * 100;
  const [disk, ...others] = disksByFullness(model, host);
  const load = newest(model, host, "system", "load1");
  const cores = newest(model, host, "system", "n_cpus").value || 1;
  const loadOf = (field: string) => reading(newest(model, host, "system", field).value, "load").text;
  return (
    <div className={`sn-panel ${classes["gauges"] ?? ""}`}>
      <Gauge
        label={t("gauge.cpu")}
        value={100 - idle.value}
        unit="percent"
        max={100}
        warning={85}
        danger={97}
        stale={stale(idle.time)}
        detail={
          Number.isFinite(user.value) &&
          t("gauge.cpuDetail", { user: spoken(user.value, "percent"), system: spoken(system.value, "percent") })
        }
      />
      <Gauge
        label={t("gauge.memory")}
        value={memoryPercent}
        unit="percent"
        max={100}
        warning={85}
        danger={95}
        stale={stale(used.time)}
        detail={
          Number.isFinite(total.value) &&
          t("gauge.of", { used: spoken(used.value, "bytes"), total: spoken(total.value, "bytes") })
        }
      />
      <Gauge
        label={t("gauge.disk")}
        value={disk?.value ?? NaN}
        unit="percent"
        max={100}
        warning={80}
        danger={95}
        stale={disk !== undefined && present - disk.time > 5 * STALE_MS}
        detail={
          disk !== undefined &&
          t(others.length > 0 ? "gauge.diskDetailOthers" : "gauge.diskDetail", {
            path: disk.path,
            free: spoken(disk.free, "bytes"),
            count: others.length,
          })
        }
      />
      <Gauge
        label={t("gauge.load")}
        value={load.value}
        unit="load"
        max={cores}
        warning={cores * 1.5}
        danger={cores * 3}
        stale={stale(load.time)}
        detail={
          Number.isFinite(load.value) &&
          t("gauge.loadDetail", {
            five: loadOf("load5"),
            fifteen: loadOf("load15"),
            count: cores,
          })
        }
      />
    </div>
  );
}
