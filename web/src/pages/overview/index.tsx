/** The overview: how this machine is, and what every table received last. */
import { Button, NativeSelect, SegmentedControl, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleAlert, Database as DatabaseIcon, Radio, SendHorizontal, ZoomOut } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { sentenceOf } from "@/api/client";
import { databasesQuery } from "@/api/queries";
import { useNowAs } from "@/charts";
import { useDeferredTick } from "@/live";
import { EmptyState } from "@/shell/EmptyState";
import { PageHeader } from "@/shell/PageHeader";
import { useShortcut } from "@/shell/shortcuts";
import { Gauges } from "./Gauges";
import classes from "./Overview.module.css";
import { DEFAULT_RANGE, type OverviewSearch, RANGES, type Range } from "./search";
import { TableCard } from "./TableCard";
import { type Overview, useCards, useHistory, useOverview } from "./useOverview";
import { uptime } from "./uptime";
import { Vitals } from "./Vitals";
import { newest, type Span } from "./vitals";

/** The page overview. */
export default function OverviewPage() {
  const { t } = useTranslation("overview");
  const search = useSearch({ from: "/signed-in/" });
  const databases = useQuery(databasesQuery);
  const names = databases.data?.map((database) => database.name) ?? [];
  const database = search.db ?? (names.includes("main") ? "main" : names[0]);
  if (databases.error !== null) return <Failure error={databases.error} />;
  if (databases.isPending) return <Waiting />;
  if (database === undefined) {
    return (
      <>
        <PageHeader title={t("title")} />
        <EmptyState icon={DatabaseIcon} title={t("none.title")} description={t("none.body")}>
          <SendLink />
        </EmptyState>
      </>
    );
  }
  return <Content key={database} database={database} databases={names} search={search} />;
}

interface ContentProps {
  database: string;
  databases: readonly string[];
  search: OverviewSearch;
}

function Content({ database, databases, search }: ContentProps) {
  const { t } = useTranslation("overview");
  const overview = useOverview(database);
  const { model, ready } = overview;
  useDeferredTick(overview.vitals);
  const navigate = useNavigate({ from: "/" });
  const hosts = model.hosts();
  const host = search.host !== undefined && hosts.includes(search.host) ? search.host : hosts[0];
  const onChange = (change: { [K in keyof OverviewSearch]?: OverviewSearch[K] | undefined }) => {
    const next = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined);
    void navigate({ search: Object.fromEntries(next), replace: true });
  };
  useShortcut("t", t("range.next"), () => {
    const following = RANGES[(RANGES.indexOf(search.range ?? DEFAULT_RANGE) + 1) % RANGES.length];
    onChange({ range: following === DEFAULT_RANGE ? undefined : following, from: undefined, to: undefined });
  });
  return (
    <>
      <PageHeader title={host === undefined || host === "" ? t("title") : host} {...describe(overview, host)}>
        {databases.length > 1 && (
          <NativeSelect
            aria-label={t("database")}
            value={database}
            data={[...databases]}
            onChange={(event) => {
              onChange({ db: event.currentTarget.value, host: undefined });
            }}
          />
        )}
        {hosts.length > 1 && (
          <NativeSelect
            aria-label={t("host")}
            value={host ?? ""}
            data={hosts}
            onChange={(event) => {
              onChange({ host: event.currentTarget.value });
            }}
          />
        )}
        {host !== undefined && <Ribbon search={search} onChange={onChange} />}
      </PageHeader>
      {overview.failure !== null && <Failure error={overview.failure} />}
      {!ready && <Waiting />}
      {ready && host !== undefined && (
        <Machine overview={overview} database={database} host={host} search={search} onChange={onChange} />
      )}
      {ready && <Tables overview={overview} database={database} />}
    </>
  );

  function describe({ model: from }: Overview, of: string | undefined): { description?: string } {
    if (of === undefined) return {};
    const seconds = newest(from, of, "system", "uptime").value;
    const cores = newest(from, of, "system", "n_cpus").value;
    const parts = [
      Number.isFinite(cores) ? t("cores", { count: cores }) : null,
      Number.isFinite(seconds) ? uptime(seconds, t) : null,
    ].filter((part) => part !== null);
    return parts.length === 0 ? {} : { description: parts.join(" · ") };
  }
}

function Tables({ overview, database }: { overview: Overview; database: string }) {
  const { t } = useTranslation("overview");
  const cards = useCards(overview);
  const { skewMs, cards: points } = overview.model;
  const own = cards.filter((card) => !card.vital);
  const vital = cards.filter((card) => card.vital);
  return (
    <section className={classes["tables"]} aria-label={t("tables.title")}>
      <h2 className={classes["heading"]}>{t("tables.own")}</h2>
      {own.length === 0 ? (
        <EmptyState icon={Radio} title={t("tables.empty")} description={t("tables.emptyBody")}>
          <SendLink />
        </EmptyState>
      ) : (
        <div className={classes["cards"]}>
          {own.map((card) => (
            <TableCard key={card.table} card={card} database={database} skewMs={skewMs} />
          ))}
        </div>
      )}
      {vital.length > 0 && (
        <>
          <h2 className={classes["heading"]}>{t("tables.vital")}</h2>
          <div className={classes["cards"]}>
            {vital.map((card) => (
              <TableCard key={card.table} card={card} database={database} skewMs={skewMs} />
            ))}
          </div>
        </>
      )}
      {points.evicted > 0 && <p className="sn-dim">{t("tables.evicted")}</p>}
    </section>
  );
}

type Change = (change: { [K in keyof OverviewSearch]?: OverviewSearch[K] | undefined }) => void;

function Ribbon({ search, onChange }: { search: OverviewSearch; onChange: Change }) {
  const { t } = useTranslation("overview");
  return (
    <>
      {search.from !== undefined && (
        <Button
          variant="default"
          leftSection={<ZoomOut size={14} aria-hidden />}
          onClick={() => {
            onChange({ from: undefined, to: undefined });
          }}
        >
          {t("unzoom")}
        </Button>
      )}
      <SegmentedControl
        aria-label={t("range.label")}
        value={String(search.range ?? DEFAULT_RANGE)}
        data={RANGES.map((minutes) => ({ value: String(minutes), label: t("range.minutes", { count: minutes }) }))}
        onChange={(value) => {
          const range = Number(value) as Range;
          onChange({ range: range === DEFAULT_RANGE ? undefined : range, from: undefined, to: undefined });
        }}
      />
    </>
  );
}

interface MachineProps {
  overview: Overview;
  database: string;
  host: string;
  search: OverviewSearch;
  onChange: Change;
}

function Machine({ overview, database, host, search, onChange }: MachineProps) {
  const minutes = search.range ?? DEFAULT_RANGE;
  const failure = useHistory(overview, database, host, minutes, search.cpu === "cores");
  const { model } = overview;
  const end = useNowAs((now) => model.axisEnd(now));
  const { from, to } = search;
  const span = useMemo<Span>(
    () => (from !== undefined && to !== undefined ? { from, to } : { from: end - minutes * 60_000, to: end }),
    [from, to, end, minutes],
  );
  return (
    <div className={classes["machine"]}>
      {failure !== null && <Failure error={failure} />}
      <Gauges model={model} host={host} />
      <Vitals
        model={model}
        version={model.vitals.version}
        host={host}
        span={span}
        search={search}
        onChange={onChange}
      />
    </div>
  );
}

function SendLink() {
  const { t } = useTranslation("overview");
  return (
    <Button component={Link} to="/send" leftSection={<SendHorizontal size={14} aria-hidden />}>
      {t("send")}
    </Button>
  );
}

function Failure({ error }: { error: unknown }) {
  const { t } = useTranslation("overview");
  return (
    <div className={classes["failure"]} role="alert">
      <CircleAlert size={18} aria-hidden />
      <p>
        <strong>{t("failure")}</strong>
        <br />
        {sentenceOf(error)}
      </p>
    </div>
  );
}

function Waiting() {
  const { t } = useTranslation("overview");
  return (
    <div className={classes["machine"]} role="status" aria-label={t("waiting")}>
      <Skeleton height={168} />
      <Skeleton height={260} />
      <Skeleton height={260} />
    </div>
  );
}
