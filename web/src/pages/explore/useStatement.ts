/** Runs the statement that the address holds, once each time it is run or the address changes; can be cancelled. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isAbort, query } from "@/sql/query";
import type { Result } from "@/sql/result";

export interface Answer {
  readonly result: Result;
  /** From asking until everything was here. */
  readonly elapsedMs: number;
  readonly sql: string;
}

export interface Statement {
  readonly answer: Answer | undefined;
  readonly running: boolean;
  readonly error: unknown;
  /** Runs the same statement again. */
  readonly again: () => void;
  /** Gives the request up; the server then stops the work. */
  readonly cancel: () => void;
}

export function useStatement(database: string | undefined, sql: string | undefined): Statement {
  const client = useQueryClient();
  const [run, setRun] = useState(0);
  const queryKey = ["sql", database, sql, run];
  const { data, error, fetchStatus } = useQuery({
    queryKey,
    enabled: database !== undefined && sql !== undefined && sql.trim() !== "",
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    // While the next answer is on its way the last one stays, dimmed.
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Answer> => {
      const started = performance.now();
      const asked = { database: database ?? "", sql: sql ?? "" };
      const result = await query({ ...asked, signal });
      return { result, elapsedMs: performance.now() - started, sql: asked.sql };
    },
  });
  return {
    answer: sql === undefined ? undefined : data,
    running: fetchStatus === "fetching",
    error: isAbort(error) ? null : error,
    again: () => {
      setRun((count) => count + 1);
    },
    cancel: () => {
      void client.cancelQueries({ queryKey });
    },
  };
}
