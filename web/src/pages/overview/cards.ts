/** The cards of the overview: each table's newest values. */
import type { LiveSeries, Tags } from "@/live";
import { type OverviewModel, VITAL_TABLES } from "./model";

export interface CardField {
  readonly name: string;
  /** NaN where the value is text. */
  readonly number: number;
  readonly text: string | null;
  readonly type: string | undefined;
  /** Recent points; null while there are fewer than three. */
  readonly trend: { readonly times: Float64Array; readonly values: Float64Array } | null;
}

export interface Card {
  readonly table: string;
  /** Written by the machine's own sampler. */
  readonly vital: boolean;
  readonly seriesTotal: number;
  /** Tags of the series that is shown: the newest. */
  readonly tags: Tags;
  readonly newest: number;
  /** The usual time between two samples. */
  readonly everyMs: number;
  readonly fields: readonly CardField[];
  /** Fields that the card has no room for. */
  readonly more: number;
}

/** Types of fields by table and name. */
export type FieldTypes = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What of the machine's own tables is shown before the rest: tables of thirty fields have few that say much. */
const FIRST: Readonly<Record<string, readonly string[]>> = {
  cpu: ["usage_active", "usage_user", "usage_system", "usage_iowait", "usage_steal", "usage_idle"],
  mem: ["used_percent", "used", "available", "total", "cached", "buffered"],
  swap: ["used_percent", "used", "total", "in", "out"],
  disk: ["used_percent", "used", "free", "total", "inodes_used_percent"],
  diskio: ["read_bytes", "write_bytes", "reads", "writes", "io_time"],
  net: ["bytes_recv", "bytes_sent", "packets_recv", "packets_sent", "err_in", "drop_in"],
  processes: ["total", "running", "sleeping", "blocked", "zombies"],
};

const FIELDS = 6;
const UNKNOWN_EVERY_MS = 60_000;

/** The cards of a model. A card stays the same object until its table changes, so that only what is new is drawn. */
export class Cards {
  readonly #model: OverviewModel;
  #known = new Map<string, { card: Card; made: Made }>();

  constructor(model: OverviewModel) {
    this.#model = model;
  }

  /** All cards: own tables before the machine's, by name, so that nothing moves while one reads. */
  list(types: FieldTypes): Card[] {
    const model = this.#model;
    const before = this.#known;
    this.#known = new Map();
    for (const table of model.cards.tables()) {
      const made = { version: model.cards.versionOf(table), types: types.get(table) };
      const known = before.get(table);
      const same = known?.made.version === made.version && known.made.types === made.types;
      this.#known.set(table, same ? known : { made, card: cardOf(model, table, made.types) });
    }
    return [...this.#known.values()]
      .map(({ card }) => card)
      .filter((card) => Number.isFinite(card.newest))
      .sort((a, b) => Number(a.vital) - Number(b.vital) || (a.table < b.table ? -1 : 1));
  }
}

/** What a card was made of. */
interface Made {
  readonly version: number;
  readonly types: ReadonlyMap<string, string> | undefined;
}

function cardOf(model: OverviewModel, table: string, types: ReadonlyMap<string, string> | undefined): Card {
  const all = model.cards.select(table);
  const newest = newestSeries(all);
  const own = all.filter((series) => series.key === newest?.key);
  const order = [...new Set([...(FIRST[table] ?? []), ...(types?.keys() ?? [])])];
  const place = (field: string) => (order.includes(field) ? order.indexOf(field) : order.length);
  own.sort((a, b) => place(a.field) - place(b.field));
  const keys = new Set(all.map((series) => series.key));
  return {
    table,
    vital: VITAL_TABLES.has(table),
    seriesTotal: Math.max(keys.size, model.seriesTotal.get(table) ?? 0),
    tags: newest?.tags ?? {},
    newest: newest?.ring.lastTime ?? NaN,
    everyMs: newest === undefined ? UNKNOWN_EVERY_MS : usualStep(newest),
    fields: own.slice(0, FIELDS).map((series) => ({
      name: series.field,
      number: series.ring.lastValue,
      text: series.text,
      type: types?.get(series.field),
      trend: trendOf(series),
    })),
    more: Math.max(0, own.length - FIELDS),
  };
}

function trendOf({ ring, text }: LiveSeries): CardField["trend"] {
  if (ring.length < 3 || text !== null) return null;
  // The ring goes on in place; what is drawn stays as it was.
  return { times: ring.times().slice(), values: ring.values().slice() };
}

/** The series with the latest point; of several, always the same one. */
function newestSeries(series: readonly LiveSeries[]): LiveSeries | undefined {
  let found: LiveSeries | undefined;
  for (const one of series) {
    const later = found === undefined || one.ring.lastTime > found.ring.lastTime;
    const same = found !== undefined && one.ring.lastTime === found.ring.lastTime && one.key < found.key;
    if (later || same) found = one;
  }
  return found;
}

function usualStep({ ring }: LiveSeries): number {
  const times = ring.times();
  if (times.length < 2) return UNKNOWN_EVERY_MS;
  const steps = Array.from(times.subarray(1), (time, row) => time - (times[row] ?? time)).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? UNKNOWN_EVERY_MS;
}
