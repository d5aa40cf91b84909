/** Explore: ask anything in SQL, and see the answer as a table or a chart. */
import { Button, NativeSelect, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Compass, Table2 } from "lucide-react";
import { lazy, Suspense, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { databasesQuery, tablesQuery } from "@/api/queries";
import { EmptyState } from "@/shell/EmptyState";
import { PageHeader } from "@/shell/PageHeader";
import { useShortcut } from "@/shell/shortcuts";
import { quoted } from "@/sql/query";
import type { EditorHandle } from "./Editor";
import { type Example, examplesFor, latest } from "./examples";
import classes from "./Explore.module.css";
import { readHistory, remember } from "./history";
import { Outcome, placeOf, Refusal } from "./Outcome";
import { SchemaList } from "./SchemaList";
import type { ExploreSearch } from "./search";
import { Toolbar } from "./Toolbar";
import { useStatement } from "./useStatement";

const Editor = lazy(() => import("./Editor"));

/** Names that SQL reads as they are; others need quotes. */
const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/;

/** The page explore. */
export default function ExplorePage() {
  const { t } = useTranslation("explore");
  const search = useSearch({ from: "/signed-in/explore" });
  const navigate = useNavigate({ from: "/explore" });
  const databases = useQuery(databasesQuery);
  const names = databases.data?.map((database) => database.name) ?? [];
  const database = search.db ?? (names.includes("main") ? "main" : names[0]);
  const tables = useQuery({ ...tablesQuery(database ?? ""), enabled: database !== undefined });
  const schema = useMemo(
    () =>
      Object.fromEntries((tables.data ?? []).map(({ name, columns }) => [name, columns.map((column) => column.name)])),
    [tables.data],
  );
  const examples = useMemo(() => examplesFor(tables.data ?? []), [tables.data]);
  const statement = useStatement(database, search.q);
  const [draft, setDraft] = useState({ text: search.q ?? "", from: search.q, edition: 0 });
  const [history, setHistory] = useState(readHistory);
  const editor = useRef<EditorHandle>(null);

  const [seen, setSeen] = useState(search.q);

  // The address changed by itself, for example by the back button: its statement is the one to show. What is run here stands in
  // the address a moment later, and what is typed meanwhile stays.
  if (seen !== search.q) {
    setSeen(search.q);
    if (draft.from !== search.q) setDraft({ text: search.q ?? "", from: search.q, edition: draft.edition + 1 });
  }

  const go = (change: { [K in keyof ExploreSearch]?: ExploreSearch[K] | undefined }, replace: boolean) => {
    const next = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined);
    void navigate({ search: Object.fromEntries(next), replace });
  };
  const run = (sql: string, change: Partial<ExploreSearch> = {}) => {
    if (database === undefined || sql.trim() === "") return;
    const asked = { database: change.db ?? database, sql };
    setHistory(remember({ ...asked, time: Date.now() }));
    if (sql === search.q && asked.database === database) statement.again();
    const fresh = sql === search.q ? {} : { x: undefined, y: undefined, split: undefined };
    setDraft(({ text, edition }) => ({ text: sql, from: sql, edition: text === sql ? edition : edition + 1 }));
    go({ ...fresh, ...change, q: sql }, sql === search.q);
  };
  const runDraft = () => {
    run(draft.text);
  };
  const runExample = (example: Example) => {
    run(example.sql, example.view === undefined ? {} : { view: example.view });
  };
  useShortcut("/", t("focus"), () => editor.current?.focus());

  const editorLabel = t("editor");
  const problem = useMemo(() => placeOf(statement.error), [statement.error]);
  return (
    <>
      <PageHeader title={t("title")} description={t("description")}>
        {names.length > 1 && (
          <NativeSelect
            aria-label={t("database")}
            value={database ?? ""}
            data={names}
            onChange={(event) => {
              go({ db: event.currentTarget.value }, false);
            }}
          />
        )}
      </PageHeader>
      <div className={classes["page"]}>
        <Aside label={t("schema.title")}>
          {tables.isPending && database !== undefined ? (
            <Skeleton height={160} />
          ) : (
            <SchemaList
              tables={tables.data ?? []}
              onInsert={(name) => editor.current?.insert(PLAIN_NAME.test(name) ? name : quoted(name))}
              onLatest={(table) => {
                run(latest(table));
              }}
            />
          )}
        </Aside>
        <div className={classes["main"]}>
          <div className={`sn-panel ${classes["editor"] ?? ""}`}>
            <Suspense fallback={<Skeleton height={128} />}>
              <Editor
                ref={editor}
                value={draft.text}
                edition={draft.edition}
                label={editorLabel}
                hint={t("hint")}
                schema={schema}
                problem={problem}
                onChange={(text) => {
                  setDraft((before) => ({ ...before, text }));
                }}
                onRun={run}
              />
            </Suspense>
            <Toolbar
              running={statement.running}
              runnable={draft.text.trim() !== "" && database !== undefined}
              examples={examples}
              history={history}
              onRun={runDraft}
              onCancel={statement.cancel}
              onExample={runExample}
              onHistory={(ran) => {
                run(ran.sql, { db: ran.database });
              }}
            />
          </div>
          {statement.error !== null && !statement.running && <Refusal error={statement.error} />}
          {statement.answer === undefined && statement.error === null && !statement.running && (
            <Start examples={examples} onExample={runExample} />
          )}
          {statement.answer === undefined && statement.running && <Skeleton height={280} />}
          {statement.answer !== undefined &&
            (statement.error === null || statement.running) &&
            database !== undefined && (
              <Outcome
                answer={statement.answer}
                database={database}
                running={statement.running}
                view={search.view ?? "table"}
                choice={search}
                onView={(view) => {
                  go({ view: view === "chart" ? "chart" : undefined }, true);
                }}
                onChoose={(choice) => {
                  go(choice, true);
                }}
              />
            )}
        </div>
      </div>
    </>
  );
}

/** The tables: a column beside the editor, or a drawer above it where there is no room. */
function Aside({ label, children }: { label: string; children: React.ReactNode }) {
  const [wide] = useState(() => globalThis.matchMedia("(min-width: 62em)").matches);
  return (
    <details className={`sn-panel ${classes["aside"] ?? ""}`} open={wide}>
      <summary>
        <Table2 size={14} aria-hidden /> {label}
      </summary>
      {children}
    </details>
  );
}

function Start({ examples, onExample }: { examples: readonly Example[]; onExample: (example: Example) => void }) {
  const { t } = useTranslation("explore");
  return (
    <EmptyState icon={Compass} title={t("start.title")} description={t("start.body")}>
      <div className={classes["examples"]}>
        {examples.map((example) => (
          <Button
            key={example.name}
            variant="default"
            onClick={() => {
              onExample(example);
            }}
          >
            {t(`examples.${example.name}`, { table: example.table ?? "" })}
          </Button>
        ))}
      </div>
    </EmptyState>
  );
}
