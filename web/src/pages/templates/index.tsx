/** Templates of code and types of devices: what people submitted and where it stands, and what code is made of. */
import { Button, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import { FilePlus2, SearchX, Shapes } from "lucide-react";
import { useTranslation } from "react-i18next";
import { templatesQuery } from "@/api/queries";
import { isEditor } from "@/api/roles";
import { submissionsQuery } from "@/api/submissions";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { Filters } from "./Filters";
import { InUse } from "./InUse";
import { matches, validateSearch } from "./search";
import { Submissions } from "./Submissions";
import classes from "./templates.module.css";

/** The page `/templates`. */
export default function TemplatesPage() {
  const { t } = useTranslation("templates");
  // The router leaves what is not understood in the search parameters.
  const filters = validateSearch({ ...useSearch({ from: "/signed-in/templates" }) });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const maySubmit = isEditor(role);
  const templates = useQuery(templatesQuery);
  const { q, kind, own, status } = filters;
  const submissions = useQuery({ ...submissionsQuery({ kind, status }), enabled: maySubmit });
  const submitted = submissions.data?.filter(
    (one) => (own !== true || one.own) && matches(q, one.title, one.kind === "template" ? one.subject : null, one.author),
  );
  const inUse = templates.data?.filter((one) => matches(q, one.title, one.id, one.hardware));
  const isFiltered = q !== undefined || kind !== undefined || own !== undefined || status !== undefined;
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        {maySubmit && (
          <>
            <Button
              variant="default"
              leftSection={<Shapes size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/devices/types/new" {...props} />}
            >
              {t("suggestType")}
            </Button>
            <Button
              leftSection={<FilePlus2 size={16} aria-hidden />}
              renderRoot={(props) => <Link to="/templates/new" {...props} />}
            >
              {t("submit")}
            </Button>
          </>
        )}
      </PageHeader>
      <Filters filters={filters} hasSubmissions={maySubmit} />
      {maySubmit && (
        <section className={classes["section"]} aria-labelledby="submissions">
          <Title order={2} id="submissions">
            {t("submissions")}
          </Title>
          <FormFailure error={submissions.error} />
          {submissions.isPending && <Loading />}
          {submitted?.length === 0 && (isFiltered ? <NoMatch /> : <p className="sn-dim">{t("none")}</p>)}
          {submitted !== undefined && submitted.length > 0 && (
            <Submissions submissions={submitted} now={submissions.dataUpdatedAt} />
          )}
        </section>
      )}
      {kind !== "type" && (
        <section className={classes["section"]} aria-labelledby="in-use">
          <Title order={2} id="in-use">
            {t("inUse")}
          </Title>
          <FormFailure error={templates.error} />
          {templates.isPending && <Loading />}
          {inUse?.length === 0 && <NoMatch />}
          {inUse !== undefined && inUse.length > 0 && <InUse templates={inUse} maySubmit={maySubmit} />}
        </section>
      )}
    </div>
  );
}

function NoMatch() {
  const { t } = useTranslation("templates");
  return (
    <EmptyState icon={SearchX} title={t("noMatch")} description={t("noMatchWhy")}>
      <Link to="/templates">{t("clear")}</Link>
    </EmptyState>
  );
}
