/**
 * One device in the list: a row on a desktop, a card on a phone. It is drawn anew only when something in it changes, and
 * of plain elements: while one scrolls, there are hundreds a second.
 */
import type { TFunction } from "i18next";
import { memo } from "react";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { PlainMoment } from "@/shell/Moment";
import classes from "./devices.module.css";
import type { Choice } from "./DeviceTable";
import { PlainState } from "./State";

/** What all rows say, looked up once: each look takes as long as a cell. */
export function wordsOf(t: TFunction<"devices">) {
  return {
    type: t("type"),
    noType: t("noType"),
    state: t("state"),
    enabled: t("enabled"),
    disabled: t("disabled"),
    seen: t("seen"),
    never: t("never"),
    rows: t("rows"),
    errors: t("errors"),
  };
}

/** Properties of {@link DeviceRow}. */
export interface DeviceRowProps {
  device: Device;
  index: number;
  /** Pixels below the head. */
  top: number;
  now: number;
  isChosen: boolean;
  onChoose: Choice["onChoose"] | undefined;
  words: ReturnType<typeof wordsOf>;
  t: TFunction<"devices">;
  common: TFunction;
  language: string;
  measure: ((row: HTMLTableRowElement | null) => void) | undefined;
}

/** The row. */
export const DeviceRow = memo(function DeviceRow({ device, index, top, now, isChosen, onChoose, words, t, common, language, measure }: DeviceRowProps) {
  const { id, name, type, enabled, status } = device;
  return (
    <tr
      ref={measure}
      style={{ top }}
      data-index={index}
      data-device={id}
      aria-rowindex={index + 2}
      data-chosen={isChosen || undefined}
    >
      {onChoose !== undefined && (
        <td className={`${classes["tick"] ?? ""} ${table["corner"] ?? ""}`}>
          <input
            type="checkbox"
            data-control="tick"
            aria-label={t("choose", { name })}
            checked={isChosen}
            onChange={(event) => {
              const { nativeEvent } = event;
              onChoose(index, event.currentTarget.checked, nativeEvent instanceof MouseEvent && nativeEvent.shiftKey);
            }}
          />
        </td>
      )}
      <th scope="row" title={name} className={onChoose === undefined ? undefined : table["beside"]}>
        <a href={`/devices/${id}`} data-control="name">
          {name}
        </a>
      </th>
      <td data-label={words.type} className={classes["words"]}>
        <span className={type === null ? "sn-dim" : undefined}>{type?.name ?? words.noType}</span>
      </td>
      <td data-label={words.state}>
        <PlainState enabled={enabled} word={enabled ? words.enabled : words.disabled} />
      </td>
      <td data-label={words.seen}>
        {status.last_seen_at === null ? (
          <span className="sn-dim">{words.never}</span>
        ) : (
          <PlainMoment time={new Date(status.last_seen_at)} now={now} t={common} language={language} />
        )}
      </td>
      <td data-label={words.rows} className={classes["count"]}>
        {number(status.rows, language)}
      </td>
      <td data-label={words.errors} className={classes["count"]} data-errors={status.errors > 0}>
        {number(status.errors, language)}
      </td>
    </tr>
  );
});

const formats = new Map<string, Intl.NumberFormat>();

/** A count with separators; small ones need no format. Making a format takes longer than using it. */
function number(count: number, language: string): string {
  if (count < 1_000) return String(count);
  const format = formats.get(language) ?? new Intl.NumberFormat(language);
  formats.set(language, format);
  return format.format(count);
}
