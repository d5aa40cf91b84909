/** What a statement led to: its rows as a table or a chart, or what is wrong with it. */
import { Button, SegmentedControl } from "@mantine/core";
import { ChartLine, CircleAlert, Download, Table2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, sentenceOf } from "@/api/client";
import { reading, spoken } from "@/charts";
import { download, isAbort } from "@/sql/query";
import classes from "./Outcome.module.css";
import { type ChartChoice, ResultChart } from "./ResultChart";
import { ResultTable, SHOWN_ROWS } from "./ResultTable";
import type { Answer } from "./useStatement";

export interface OutcomeProps {
  answer: Answer;
  database: string;
  running: boolean;
  view: "table" | "chart";
  choice: ChartChoice;
  onView: (view: "table" | "chart") => void;
  onChoose: (choice: ChartChoice) => void;
}

export function Outcome({ answer, database, running, view, choice, onView, onChoose }: OutcomeProps) {
  const { t } = useTranslation("explore");
  const { result, elapsedMs } = answer;
  return (
    <section
      className={`sn-panel ${classes["outcome"] ?? ""}`}
      aria-label={t("result.title")}
      data-running={running || undefined}
    >
      <header className={classes["head"]}>
        <SegmentedControl
          aria-label={t("result.view")}
          value={view}
          onChange={(chosen) => {
            onView(chosen === "chart" ? "chart" : "table");
          }}
          data={[
            { value: "table", label: <Labelled icon={Table2} text={t("result.asTable")} /> },
            { value: "chart", label: <Labelled icon={ChartLine} text={t("result.asChart")} /> },
          ]}
        />
        <p className={classes["facts"]} role="status">
          {t("result.rows", { count: result.rows, formatted: reading(result.rows, "number").text })}
          {" · "}
          {spoken(Math.round(elapsedMs), "milliseconds")}
          {" · "}
          {spoken(result.bytes, "bytes")}
        </p>
        <Downloads answer={answer} database={database} />
      </header>
      {result.rows > SHOWN_ROWS && view === "table" && (
        <p className={classes["note"]}>
          <TriangleAlert size={14} aria-hidden /> {t("result.more", { shown: reading(SHOWN_ROWS, "number").text })}
        </p>
      )}
      {result.rows === 0 && <p className={classes["note"]}>{t("result.empty")}</p>}
      {result.rows > 0 && view === "table" && <ResultTable key={answer.sql} result={result} />}
      {result.rows > 0 && view === "chart" && <ResultChart result={result} choice={choice} onChoose={onChoose} />}
    </section>
  );
}

function Labelled({ icon: Icon, text }: { icon: typeof Table2; text: string }) {
  return (
    <span className={classes["labelled"]}>
      <Icon size={14} aria-hidden />
      {text}
    </span>
  );
}

function Downloads({ answer, database }: { answer: Answer; database: string }) {
  const { t } = useTranslation("explore");
  const [busy, setBusy] = useState<"csv" | "parquet" | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const save = async (format: "csv" | "parquet") => {
    setBusy(format);
    setFailure(null);
    try {
      offer(await download({ database, sql: answer.sql }, format), `${database}-${fileStamp(new Date())}.${format}`);
    } catch (error) {
      if (!isAbort(error)) setFailure(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <div className={classes["downloads"]} role="group" aria-label={t("download.title")}>
      {(["csv", "parquet"] as const).map((format) => (
        <Button
          key={format}
          variant="default"
          leftSection={<Download size={13} aria-hidden />}
          loading={busy === format}
          disabled={busy !== null}
          aria-label={t(`download.${format}`)}
          onClick={() => save(format)}
        >
          {t(`download.${format}Short`)}
        </Button>
      ))}
      {failure !== null && (
        <span className={classes["failed"]} role="alert">
          <CircleAlert size={13} aria-hidden /> {sentenceOf(failure)}
        </span>
      )}
    </div>
  );
}

/** Hands a file to the browser. */
function offer(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has taken it over by the next turn.
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 0);
}

function fileStamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(":", "-");
}

/** Where in the statement a refusal points, or null. */
export function placeOf(error: unknown): { line: number; column: number } | null {
  if (!(error instanceof ApiError)) return null;
  const { line, column } = error.details;
  return typeof line === "number" && typeof column === "number" ? { line, column } : null;
}

/** A refusal, in place. */
export function Refusal({ error }: { error: unknown }) {
  const { t } = useTranslation("explore");
  const place = placeOf(error);
  return (
    <div className={classes["refusal"]} role="alert">
      <CircleAlert size={18} aria-hidden />
      <p className={classes["where"]}>{place === null ? t("failure") : t("failureAt", place)}</p>
      <p className={classes["sentence"]}>{sentenceOf(error)}</p>
    </div>
  );
}
