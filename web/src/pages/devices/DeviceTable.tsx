/**
 * The devices: a table on a desktop, one card per device on a phone. Only the rows in sight are in the page, however
 * many there are; the next ones are asked for before the end is in sight. The window scrolls, so that the browser's
 * own keys, find bars and gestures work. Arrow keys go from row to row; a row with the focus stays in the page.
 */
import { useMediaQuery } from "@mantine/hooks";
import { Link, useNavigate } from "@tanstack/react-router";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, memo, type RefObject, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { DeviceRow, wordsOf } from "./DeviceRow";
import classes from "./devices.module.css";
import { rowsToDraw, type Slots, slotsFor } from "./rows";
import { type DevicesFilters, type Sort, sortedBy } from "./search";

/** Which devices are chosen; null for those who may change none. */
export interface Choice {
  chosen: ReadonlySet<string>;
  /** Chooses a row or no longer does; with `through`, all rows since the one before. */
  onChoose: (index: number, isChosen: boolean, through: boolean) => void;
  onChooseAll: (isChosen: boolean) => void;
}

/** Properties of {@link DeviceTable}. */
export interface DeviceTableProps {
  devices: readonly Device[];
  filters: DevicesFilters;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  isStale: boolean;
  /** Whether there are more than those. */
  hasMore: boolean;
  onWantMore: () => void;
  choice: Choice | null;
}

/** More are asked for when so few rows are left below. */
const LEFT_ROWS = 150;
/** A card on a phone, before it is measured. */
const CARD_PX = 172;

/** All that were loaded. */
export function DeviceTable(props: DeviceTableProps) {
  const { devices, filters, now, isStale, hasMore, onWantMore, choice } = props;
  const { t, i18n } = useTranslation("devices");
  const { t: common } = useTranslation();
  const { language } = i18n;
  const words = useMemo(() => wordsOf(t), [t]);
  const navigate = useNavigate();
  const isNarrow = useMediaQuery("(max-width: 767px)", false, { getInitialValueInEffect: false });
  const isCoarse = useMediaQuery("(pointer: coarse)", false, { getInitialValueInEffect: false });
  const body = useRef<HTMLTableSectionElement>(null);
  const start = useTopOf(body);
  const focused = useRef<number | null>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const virtual = useWindowVirtualizer({
    count: devices.length,
    estimateSize: () => (isNarrow ? CARD_PX : isCoarse ? 44 : 28),
    overscan: isNarrow ? 4 : 10,
    scrollMargin: start,
    rangeExtractor: (range) => rowsToDraw(range, focused.current),
    useFlushSync: false,
  });
  useEffect(() => {
    virtual.measure();
  }, [virtual, isNarrow, isCoarse]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const [slots, setSlots] = useState<Slots>(new Map());
  const wanted = items.map(({ index }) => index);
  let shown = slots;
  if (wanted.length !== slots.size || wanted.some((index) => !slots.has(index))) {
    shown = slotsFor(slots, wanted);
    setSlots(shown);
  }
  // In the order of the list for whoever tabs or listens; not while it moves, for moving an element costs as much as a new one.
  const drawn = virtual.isScrolling ? items.toSorted((one, other) => (shown.get(one.index) ?? 0) - (shown.get(other.index) ?? 0)) : items;
  const isNearEnd = hasMore && last >= devices.length - LEFT_ROWS;
  useEffect(() => {
    if (isNearEnd) onWantMore();
    // Of another list, more may be wanted just as they were of the one before.
  }, [isNearEnd, onWantMore, devices]);
  const all = devices.length > 0 && choice !== null && devices.every(({ id }) => choice.chosen.has(id));
  const move = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey || focused.current === null || !(event.target instanceof HTMLElement)) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    const index = focused.current + step;
    if (index < 0 || index >= devices.length) return;
    event.preventDefault();
    const kind = event.target.dataset["control"] ?? "name";
    const control = () => body.current?.querySelector<HTMLElement>(`[data-index="${index}"] [data-control="${kind}"]`);
    if (!control()) {
      // The key came before the list was drawn where the one before it led.
      focused.current = index;
      flushSync(redraw);
    }
    control()?.focus();
  };
  return (
    <table
      className={`sn-panel ${table["table"] ?? ""} ${classes["devices"] ?? ""}`}
      aria-busy={isStale}
      // Not known until the last page is here.
      aria-rowcount={hasMore ? -1 : devices.length + 1}
      data-choice={choice !== null || undefined}
    >
      <caption className="sn-hidden">{t("list")}</caption>
      <Heads filters={filters} choice={choice} isAll={all} />
      {/* The keys move the focus between controls, which have their own roles. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <tbody
        ref={body}
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={move}
        onClick={(event) => {
          const link = event.target instanceof Element ? event.target.closest("a") : null;
          const id = link?.closest("tr")?.dataset["device"];
          const isPlain = event.button === 0 && !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
          if (id === undefined || !isPlain) return;
          event.preventDefault();
          void navigate({ to: "/devices/$id", params: { id } });
        }}
        onFocus={({ target }) => {
          const row = target.closest<HTMLElement>("[data-index]");
          focused.current = row === null ? null : Number(row.dataset["index"]);
        }}
        onBlur={() => {
          focused.current = null;
        }}
      >
        {drawn.map((item) => {
          const device = devices[item.index];
          if (device === undefined) return null;
          return (
            <DeviceRow
              key={shown.get(item.index)}
              device={device}
              index={item.index}
              top={item.start - start}
              now={now}
              isChosen={choice?.chosen.has(device.id) ?? false}
              onChoose={choice?.onChoose}
              words={words}
              t={t}
              common={common}
              language={language}
              measure={isNarrow ? virtual.measureElement : undefined}
            />
          );
        })}
      </tbody>
    </table>
  );
}

/** How far below the top of the page something begins; followed when what is above it changes its height. */
function useTopOf(place: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      if (place.current !== null) setTop(Math.round(place.current.getBoundingClientRect().top + globalThis.scrollY));
    };
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(document.body);
    return () => {
      watcher.disconnect();
    };
  }, [place]);
  return top;
}

const Heads = memo(function Heads({ filters, choice, isAll }: { filters: DevicesFilters; choice: Choice | null; isAll: boolean }) {
  const { t } = useTranslation("devices");
  return (
    <thead>
      <tr aria-rowindex={1}>
        {choice !== null && (
          <th scope="col" className={classes["tick"]}>
            <input
              type="checkbox"
              aria-label={t("chooseLoaded")}
              checked={isAll}
              ref={(box) => {
                if (box) box.indeterminate = !isAll && choice.chosen.size > 0;
              }}
              onChange={(event) => {
                choice.onChooseAll(event.currentTarget.checked);
              }}
            />
          </th>
        )}
        <Head by="name" filters={filters} label={t("name")} />
        <Head by="type" filters={filters} label={t("type")} />
        <th scope="col">{t("state")}</th>
        <Head by="last_seen" filters={filters} label={t("seen")} />
        <th scope="col" className={classes["count"]}>
          {t("rows")}
        </th>
        <th scope="col" className={classes["count"]}>
          {t("errors")}
        </th>
      </tr>
    </thead>
  );
});

function Head({ by, filters, label }: { by: Sort; filters: DevicesFilters; label: string }) {
  const { sort = "name", order = "asc" } = filters;
  const Icon = order === "asc" ? ArrowUp : ArrowDown;
  return (
    <th scope="col" {...(sort === by ? { "aria-sort": order === "asc" ? "ascending" : "descending" } : {})}>
      <Link to="/devices" search={sortedBy(filters, by)} className={classes["head"]}>
        {label}
        {sort === by && <Icon size={12} aria-hidden />}
      </Link>
    </th>
  );
}
