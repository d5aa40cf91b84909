/** The overview's data: the newest values, the past of the vitals, and everything live. */
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useMemo, useState } from "react";
import { lastQuery, tablesQuery } from "@/api/queries";
import { type Ticker, useLive, useTick, useTicker } from "@/live";
import { isAbort } from "@/sql/query";
import { type Card, Cards, type FieldTypes } from "./cards";
import { loadHistory, type TableSchema } from "./history";
import { OverviewModel } from "./model";

export interface Overview {
  readonly model: OverviewModel;
  /** Ticks when a card changed. */
  readonly cards: Ticker;
  /** Ticks when what is charted changed. */
  readonly vitals: Ticker;
  /** The newest values have been asked for and are here. */
  readonly ready: boolean;
  /** What could not be fetched, or null. */
  readonly failure: unknown;
  readonly schemas: readonly TableSchema[] | undefined;
  readonly refetchSchemas: () => void;
  /** The stream begins or has a gap: history has to be fetched (again). */
  readonly gaps: number;
}

/** As often as the server sends: a reading is on the page before anybody can miss it. */
const CARDS_HZ = 20;
/** A steady picture is easier to read than one that twitches twenty times a second. */
const VITALS_HZ = 4;

/** Everything that the page shows; drawn anew when a question is answered, but not with each reading. */
export function useOverview(database: string): Overview {
  const [model] = useState(() => new OverviewModel());
  const cards = useTicker(CARDS_HZ);
  const vitals = useTicker(VITALS_HZ);
  const [gaps, setGaps] = useState(0);
  const [refusal, setRefusal] = useState<string | null>(null);
  const last = useQuery({ ...lastQuery(database), staleTime: 0, gcTime: 0 });
  const tables = useQuery(tablesQuery(database));
  const { data: lastData, refetch: refetchLast } = last;
  const { data: schemas, refetch: refetchTables } = tables;

  useEffect(() => {
    if (lastData === undefined) return;
    model.addLast(lastData.tables, Date.now());
    cards.touch();
    vitals.touch();
  }, [lastData, model, cards, vitals]);

  useLive(
    { database, table: "*" },
    {
      onFrame: (frame, rows) => {
        if (model.addFrame(frame, rows, Date.now())) vitals.touch();
        cards.touch();
      },
      onGap: () => {
        setGaps((count) => count + 1);
        void refetchLast();
      },
      onError: (_code, error) => {
        setRefusal(error);
      },
    },
  );

  const refetchSchemas = useCallback(() => void refetchTables(), [refetchTables]);
  return {
    model,
    cards,
    vitals,
    ready: !last.isPending,
    failure: last.error ?? tables.error ?? refusal,
    schemas,
    refetchSchemas,
    gaps,
  };
}

/** The cards of all tables, drawn anew with each reading. */
export function useCards({ model, cards: ticker, schemas, refetchSchemas }: Overview): readonly Card[] {
  const tick = useTick(ticker);
  // A table that was created meanwhile has columns whose types are not known yet.
  const known = schemas?.length ?? 0;
  const seen = model.cards.tables().length;
  const refetch = useEffectEvent(() => {
    if (schemas !== undefined) refetchSchemas();
  });
  useEffect(() => {
    if (seen > known) refetch();
  }, [seen, known]);

  const [cards] = useState(() => new Cards(model));
  const types = useMemo(() => typesOf(schemas ?? []), [schemas]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with the tick
  return useMemo(() => cards.list(types), [cards, types, tick]);
}

/** Fetches what is drawn of a machine's past whenever that changes or the stream had a gap. */
export function useHistory(
  overview: Overview,
  database: string,
  host: string | undefined,
  minutes: number,
  cores: boolean,
) {
  const [failure, setFailure] = useState<unknown>(null);
  const { model, schemas, gaps, vitals } = overview;
  useEffect(() => {
    if (schemas === undefined || host === undefined || gaps === 0) return;
    const abort = new AbortController();
    loadHistory(model, schemas, { database, host, minutes, cores }, abort.signal).then(
      () => {
        setFailure(null);
        vitals.touch();
      },
      (error: unknown) => {
        if (!isAbort(error)) setFailure(error);
        vitals.touch();
      },
    );
    return () => {
      abort.abort();
    };
  }, [model, schemas, gaps, vitals, database, host, minutes, cores]);
  return failure;
}

function typesOf(schemas: readonly TableSchema[]): FieldTypes {
  return new Map(
    schemas.map(({ name, columns }) => [
      name,
      new Map(columns.filter((column) => column.kind === "field").map((column) => [column.name, column.type])),
    ]),
  );
}
