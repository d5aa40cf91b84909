/** The HTTP interface: what there is, grouped, and a form to try each operation. */
import { Anchor, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorOf } from "@/api/client";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { grouped, type Operation, operationsOf } from "./document";
import classes from "./reference.module.css";
import { TryIt } from "./TryIt";

const DOCUMENT = "/api/openapi.json";

async function fetchDocument({ signal }: { signal: AbortSignal }): Promise<unknown> {
  const response = await fetch(DOCUMENT, { signal });
  if (!response.ok) throw await errorOf(response);
  return response.json();
}

function matches(operation: Operation, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/);
  const text = `${operation.id} ${operation.summary} ${operation.group}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The page `/reference`. */
export default function ReferencePage() {
  const { t } = useTranslation("api");
  const [filter, setFilter] = useState("");
  const document = useQuery({ queryKey: ["openapi"], queryFn: fetchDocument, staleTime: Infinity });
  const operations = useMemo(() => operationsOf(document.data), [document.data]);
  const shown = operations.filter((operation) => matches(operation, filter));
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        <Anchor href={DOCUMENT} target="_blank" rel="noreferrer">
          {t("document")}
        </Anchor>
      </PageHeader>
      <FormFailure error={document.error} />
      {document.isPending && <Loading />}
      {document.data !== undefined && (
        <>
          <TextInput
            aria-label={t("filter")}
            placeholder={t("filter")}
            leftSection={<Search size={14} aria-hidden />}
            maw={320}
            value={filter}
            onChange={(event) => {
              setFilter(event.currentTarget.value);
            }}
          />
          <Text c="dimmed" mt="xs" role="status">
            {shown.length === 0 ? t("nothing", { filter }) : t("count", { count: shown.length })}
          </Text>
          {grouped(shown).map(([group, members]) => (
            <section key={group} className={classes["group"]}>
              <Title order={2}>{group === "" ? t("other") : group}</Title>
              <ul className="sn-panel">
                {members.map((operation) => (
                  <OperationRow key={operation.id} operation={operation} />
                ))}
              </ul>
            </section>
          ))}
        </>
      )}
    </div>
  );
}

function OperationRow({ operation }: { operation: Operation }) {
  const opened = useSearch({ from: "/signed-in/reference", select: (search) => search.operation }) === operation.id;
  const Chevron = opened ? ChevronDown : ChevronRight;
  return (
    <li>
      <Link
        to="/reference"
        search={opened ? {} : { operation: operation.id }}
        replace
        resetScroll={false}
        className={classes["operation"]}
        aria-expanded={opened}
      >
        <Chevron size={14} aria-hidden />
        <span className={classes["method"]}>{operation.method}</span>
        <span className={classes["path"]}>{operation.path}</span>
        <span className={classes["summary"]}>{operation.summary}</span>
      </Link>
      {opened && (
        <div className={classes["detail"]}>
          {operation.description !== "" && <Text>{operation.description}</Text>}
          <TryIt key={operation.id} operation={operation} />
        </div>
      )}
    </li>
  );
}
