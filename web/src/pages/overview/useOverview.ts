/** The overview's data: the newest values, the past of the vitals, and everything live. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useMemo, useState } from "react";
import { lastQuery, tablesQuery } from "@/api/queries";
import { useLive, useTick } from "@/live";
import { isAbort } from "@/sql/query";
import { type Card, cardsOf, type FieldTypes } from "./cards";
import { loadHistory, type TableSchema } from "./history";
import { OverviewModel } from "./model";

export interface Overview {
  readonly model: OverviewModel;
  /** Grows when the vitals changed. */
  readonly version: number;
  readonly cards: readonly Card[];
  /** The newest values have been asked for and are here. */
  readonly ready: boolean;
  /** What could not be fetched, or null. */
  readonly failure: unknown;
  readonly schemas: readonly TableSchema[] | undefined;
  /** The stream begins or has a gap: history has to be fetched (again). */
  readonly gaps: number;
  readonly touch: () => void;
}

/** A steady picture is easier to read than one that twitches twenty times a second. */
const REFRESH_HZ = 4;

export function useOverview(database: string): Overview {
  const [model] = useState(() => new OverviewModel());
  const [tick, touch] = useTick(REFRESH_HZ);
  const [gaps, setGaps] = useState(0);
  const [refusal, setRefusal] = useState<string | null>(null);
  const last = useQuery({ ...lastQuery(database), staleTime: 0, gcTime: 0 });
  const tables = useQuery(tablesQuery(database));
  const { data: lastData, refetch: refetchLast } = last;
  const { data: schemas, refetch: refetchTables } = tables;

  useEffect(() => {
    if (lastData === undefined) return;
    model.addLast(lastData.tables, Date.now());
    touch();
  }, [lastData, model, touch]);

  useLive(
    { database, table: "*" },
    {
      onFrame: (frame, rows) => {
        model.addFrame(frame, rows, Date.now());
        touch();
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

  // A table that was created meanwhile has columns whose types are not known yet.
  const known = schemas?.length ?? 0;
  const seen = model.cards.tables().length;
  const refetch = useEffectEvent(() => {
    if (schemas !== undefined) void refetchTables();
  });
  useEffect(() => {
    if (seen > known) refetch();
  }, [seen, known]);

  const types = useMemo(() => typesOf(schemas ?? []), [schemas]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the model changes with the tick
  const cards = useMemo(() => cardsOf(model, types), [model, types, tick]);
  return {
    model,
    version: model.vitals.version,
    cards,
    ready: !last.isPending,
    failure: last.error ?? tables.error ?? refusal,
    schemas,
    gaps,
    touch,
  };
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
  const { model, schemas, gaps, touch } = overview;
  useEffect(() => {
    if (schemas === undefined || host === undefined || gaps === 0) return;
    const abort = new AbortController();
    loadHistory(model, schemas, { database, host, minutes, cores }, abort.signal).then(
      () => {
        setFailure(null);
        touch();
      },
      (error: unknown) => {
        if (!isAbort(error)) setFailure(error);
        touch();
      },
    );
    return () => {
      abort.abort();
    };
  }, [model, schemas, gaps, touch, database, host, minutes, cores]);
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
