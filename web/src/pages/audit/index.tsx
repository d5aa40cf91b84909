/** The record of changes: filters, a page at a time, and everything as CSV. For administrators. */
import { Button, Group } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, Download, SearchX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { auditQuery } from "@/api/queries";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import classes from "./audit.module.css";
import { Entries } from "./Entries";
import { Filters } from "./Filters";
import { csvAddress, filtersOf } from "./search";

/** The page `/audit`. */
export default function AuditPage() {
  return (
    <OnlyFrom least="administrator">
      <Audit />
    </OnlyFrom>
  );
}

function Audit() {
  const { t } = useTranslation("audit");
  const search = useSearch({ from: "/signed-in/audit" });
  const filters = filtersOf(search);
  const page = useQuery({ ...auditQuery(search), placeholderData: keepPreviousData });
  const next = page.isPlaceholderData ? null : (page.data?.next ?? null);
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        <Button
          component="a"
          href={csvAddress(filters)}
          download="sensorium-audit.csv"
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
        >
          {t("csv")}
        </Button>
      </PageHeader>
      <Filters filters={filters} />
      <FormFailure error={page.error} />
      {page.isPending && <Loading />}
      {page.data !== undefined && page.error === null && (
        <>
          {page.data.entries.length === 0 ? (
            <EmptyState icon={SearchX} title={t("none")} description={t("noneWhy")}>
              <Link to="/audit">{t("clear")}</Link>
            </EmptyState>
          ) : (
            <Entries entries={page.data.entries} isStale={page.isPlaceholderData} />
          )}
          <Group component="nav" justify="center" gap="sm" aria-label={t("pages")}>
            {search.after !== undefined && (
              <Button
                variant="default"
                leftSection={<ChevronLeft size={16} aria-hidden />}
                renderRoot={(props) => <Link to="/audit" search={filters} {...props} />}
              >
                {t("newest")}
              </Button>
            )}
            {next !== null && (
              <Button
                variant="default"
                rightSection={<ChevronRight size={16} aria-hidden />}
                renderRoot={(props) => <Link to="/audit" search={{ ...filters, after: next }} {...props} />}
              >
                {t("older")}
              </Button>
            )}
          </Group>
        </>
      )}
    </div>
  );
}
