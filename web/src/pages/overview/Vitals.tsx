/** A machine's processor, memory, disks and network over time. */
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { type ChartSeries, TimeChart } from "@/charts";
import classes from "./Vitals.module.css";
import type { OverviewModel } from "./model";
import { Panel } from "./Panel";
import type { OverviewSearch } from "./search";
import {
  cpuCores,
  CPU_MODES,
  cpuModes,
  diskTraffic,
  memory,
  MEMORY_FIELDS,
  netTraffic,
  newest,
  type Span,
} from "./vitals";

export interface VitalsProps {
  model: OverviewModel;
  version: number;
  host: string;
  span: Span;
  search: OverviewSearch;
  onChange: (change: { [K in keyof OverviewSearch]?: OverviewSearch[K] | undefined }) => void;
}

const HEIGHT = 180;
const PERCENT: readonly [number, number] = [0, 100];
const FROM_ZERO: readonly [number, null] = [0, null];
const SYNC = "overview";
/** More lines than this are a bundle, and their legend a wall. */
const LEGEND_CORES = 16;

export function Vitals(props: VitalsProps) {
  const { host, search, span, onChange } = props;
  const onZoom = (zoom: [number, number] | null) => {
    onChange({
      from: zoom === null ? undefined : Math.round(zoom[0]),
      to: zoom === null ? undefined : Math.round(zoom[1]),
    });
  };
  const shared = { height: HEIGHT, span: [span.from, span.to] as const, syncKey: SYNC, onZoom };
  return (
    <div className={classes["grid"]}>
      {search.cpu === "cores" ? <Cores {...props} shared={shared} /> : <Modes {...props} shared={shared} />}
      <Memory {...props} shared={shared} />
      <TrafficPanel {...props} shared={shared} kind="disk" key={`disk ${host}`} />
      <TrafficPanel {...props} shared={shared} kind="nic" key={`nic ${host}`} />
    </div>
  );
}

type PartProps = VitalsProps & {
  shared: {
    height: number;
    span: readonly [number, number];
    syncKey: string;
    onZoom: (zoom: [number, number] | null) => void;
  };
};

function CpuToggle({ search, onChange }: Pick<VitalsProps, "search" | "onChange">) {
  const { t } = useTranslation("overview");
  return (
    <SegmentedControl
      size="xs"
      aria-label={t("cpu.show")}
      value={search.cpu ?? "modes"}
      data={[
        { value: "modes", label: t("cpu.modes") },
        { value: "cores", label: t("cpu.cores") },
      ]}
      onChange={(value) => {
        onChange({ cpu: value === "cores" ? "cores" : undefined });
      }}
    />
  );
}

function Modes(props: PartProps) {
  const { model, host, span, version, shared } = props;
  const { t } = useTranslation("overview");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with its version
  const data = useMemo(() => cpuModes(model, host, span), [model, host, span, version]);
  const series = CPU_MODES.map((mode, color): ChartSeries => ({ label: t(`cpu.mode.${mode}`), color }));
  return (
    <Panel title={t("cpu.title")} controls={<CpuToggle {...props} />}>
      <TimeChart
        {...shared}
        label={t("cpu.title")}
        data={data}
        series={series}
        unit="percent"
        range={PERCENT}
        stacked
      />
    </Panel>
  );
}

function Cores(props: PartProps) {
  const { model, host, span, version, shared } = props;
  const { t } = useTranslation("overview");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with its version
  const { names, data } = useMemo(() => cpuCores(model, host, span), [model, host, span, version]);
  const series = names.map((label, color): ChartSeries => ({ label, color }));
  return (
    <Panel
      title={t("cpu.title")}
      note={t("cpu.coreCount", { count: names.length })}
      controls={<CpuToggle {...props} />}
    >
      <TimeChart
        {...shared}
        label={t("cpu.byCore")}
        data={data}
        series={series}
        unit="percent"
        range={PERCENT}
        legend={names.length <= LEGEND_CORES}
      />
    </Panel>
  );
}

const MEMORY_COLORS = [0, 4, 2];

function Memory({ model, host, span, version, shared }: PartProps) {
  const { t } = useTranslation("overview");
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with its version
  const data = useMemo(() => memory(model, host, span), [model, host, span, version]);
  const total = newest(model, host, "mem", "total").value;
  const series = MEMORY_FIELDS.map((field, index): ChartSeries => ({
    label: t(`memory.${field}`),
    color: MEMORY_COLORS[index] ?? index,
  }));
  return (
    <Panel title={t("memory.title")}>
      <TimeChart
        {...shared}
        label={t("memory.title")}
        data={data}
        series={series}
        unit="bytes"
        range={[0, Number.isFinite(total) ? total : null]}
        stacked
      />
    </Panel>
  );
}

function TrafficPanel({
  kind,
  model,
  host,
  span,
  version,
  search,
  onChange,
  shared,
}: PartProps & { kind: "disk" | "nic" }) {
  const { t } = useTranslation("overview");
  const only = search[kind];
  const { devices, counted, data } = useMemo(
    () => (kind === "disk" ? diskTraffic : netTraffic)(model, host, span, only),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with its version
    [kind, model, host, span, only, version],
  );
  const series: ChartSeries[] = [
    { label: t(`${kind}.in`), color: 0, fill: true },
    { label: t(`${kind}.out`), color: 1, fill: true },
  ];
  const note = counted.length > 1 ? t("sum", { devices: counted.join(" + ") }) : counted[0];
  const choice = devices.length > 1 && (
    <NativeSelect
      size="xs"
      aria-label={t(`${kind}.choose`)}
      value={only ?? ""}
      data={[{ value: "", label: t(`${kind}.all`) }, ...devices]}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        onChange({ [kind]: chosen === "" ? undefined : chosen });
      }}
    />
  );
  return (
    <Panel title={t(`${kind}.title`)} note={note} controls={choice}>
      <TimeChart
        {...shared}
        label={t(`${kind}.title`)}
        data={data}
        series={series}
        unit="bytesPerSecond"
        range={FROM_ZERO}
      />
    </Panel>
  );
}
