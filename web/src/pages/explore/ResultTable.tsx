/** A result as a table: only the rows in sight are in the page, a click on a column's name sorts. */
import {
  type ColumnDef,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Result, ResultColumn } from "@/sql/result";
import { cellFormat, columnWidth } from "./cells";
import classes from "./ResultTable.module.css";

export interface ResultTableProps {
  result: Result;
}

/** Rows that are shown; all of them are in the downloads. */
export const SHOWN_ROWS = 100_000;
const ROW_PX = 28;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
/** A row is its place in the result's columns. */
interface Row {
  readonly at: number;
}

const rowId = (row: Row) => String(row.at);

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  // No value comes first, as the smallest.
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}

function columnsOf(columns: readonly ResultColumn[]): ColumnDef<typeof features, Row>[] {
  return columns.map((column, index) => ({
    id: String(index),
    accessorFn: (row: Row) => column.values[row.at] ?? null,
    sortFn: (a, b) => compare(column.values[a.original.at], column.values[b.original.at]),
    sortDescFirst: column.kind !== "text",
  }));
}

export function ResultTable({ result }: ResultTableProps) {
  const { t } = useTranslation("explore");
  const scroll = useRef<HTMLDivElement>(null);
  const columns = useMemo(() => columnsOf(result.columns), [result]);
  const data = useMemo(
    () => Array.from({ length: Math.min(result.rows, SHOWN_ROWS) }, (_, at): Row => ({ at })),
    [result],
  );
  const formats = useMemo(() => result.columns.map(cellFormat), [result]);
  const widths = useMemo(() => result.columns.map((column) => columnWidth(column, cellFormat(column))), [result]);
  const table = useTable({ features, columns, data, getRowId: rowId });
  const { rows } = table.getRowModel();
  const [sorted] = table.state.sorting;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer is read in this component only
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    // Focusable so that the keyboard scrolls it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes["scroll"]} ref={scroll} tabIndex={0} role="region" aria-label={t("result.table")}>
      <table
        className={classes["table"]}
        aria-rowcount={rows.length + 1}
        style={{ width: `${widths.reduce((sum, width) => sum + width, 0)}ch` }}
      >
        <colgroup>
          {widths.map((width, index) => (
            <col key={index} style={{ width: `${width}ch` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {result.columns.map((column, index) => {
              const id = String(index);
              const direction = sorted?.id === id ? (sorted.desc ? "descending" : "ascending") : "none";
              return (
                <th key={id} scope="col" aria-sort={direction} data-kind={column.kind}>
                  <button
                    type="button"
                    onClick={() => {
                      table.getColumn(id)?.toggleSorting();
                    }}
                  >
                    <span className={classes["column"]}>{column.name}</span>
                    <span className={classes["type"]}>{column.type}</span>
                    {direction === "ascending" && <ArrowUp size={12} aria-hidden />}
                    {direction === "descending" && <ArrowDown size={12} aria-hidden />}
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Spacer height={above} columns={columns.length} />}
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <tr key={row.id} aria-rowindex={item.index + 2}>
                {result.columns.map((column, index) => {
                  const value = column.values[row.original.at] ?? null;
                  return (
                    <td key={index} data-kind={column.kind} data-null={value === null || undefined}>
                      {value === null ? t("result.null") : formats[index]?.(value)}
                    </td>
                  );
                })}
              </tr>
            );
          })}
          {below > 0 && <Spacer height={below} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden className={classes["spacer"]}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
