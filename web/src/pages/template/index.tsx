/** One submitted version of a template: where it stands, what it changes, what it is, what was said; try it and decide. */
import { Anchor, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useRouteContext } from "@tanstack/react-router";
import { Check, ChevronLeft, FilePlus2, FileX, Undo2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { isAtLeast } from "@/api/roles";
import { submissionQuery, type WholeSubmission } from "@/api/submissions";
import { Status } from "@/pages/templates/Status";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { Changes } from "./Changes";
import { Comments } from "./Comments";
import { Decide, type Decision } from "./Decide";
import { Definition } from "./Definition";
import classes from "./template.module.css";
import { Try } from "./Try";

/** The page `/templates/$id`. */
export default function TemplatePage() {
  return (
    <OnlyFrom least="editor">
      <Loaded />
    </OnlyFrom>
  );
}

function Loaded() {
  const { t } = useTranslation("templates");
  const { id } = useParams({ from: "/signed-in/templates/$id" });
  const submission = useQuery(submissionQuery(id));
  const isGone = submission.error instanceof ApiError && [400, 404].includes(submission.error.status);
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("all")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/templates" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
      </nav>
      {isGone ? (
        <EmptyState order={1} icon={FileX} title={t("gone")} description={t("goneWhy")}>
          <Link to="/templates">{t("all")}</Link>
        </EmptyState>
      ) : (
        <FormFailure error={submission.error} />
      )}
      {submission.isPending && <Loading />}
      {submission.data !== undefined && !isGone && <Found submission={submission.data} now={submission.dataUpdatedAt} />}
    </div>
  );
}

function Found({ submission, now }: { submission: WholeSubmission; now: number }) {
  const { t } = useTranslation("templates");
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const [how, setHow] = useState<Decision>("accept");
  const [asking, ask] = useDisclosure(false);
  const { id, status, own, title, definition } = submission;
  const decides = isAtLeast(role, "administrator");
  const mayWithdraw = status !== "withdrawn" && (decides || (own && status !== "accepted"));
  const choose = (decision: Decision) => () => {
    setHow(decision);
    ask.open();
  };
  return (
    <>
      <PageHeader title={title} description={definition.hardware}>
        {mayWithdraw && (
          <Button variant="default" onClick={choose("withdraw")}>
            {t("withdraw")}
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<FilePlus2 size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/templates/new" search={{ submission: id }} {...props} />}
        >
          {t("newVersion")}
        </Button>
        {decides && status === "waiting" && (
          <>
            <Button variant="default" leftSection={<Undo2 size={16} aria-hidden />} onClick={choose("return")}>
              {t("return")}
            </Button>
            <Button leftSection={<Check size={16} aria-hidden />} onClick={choose("accept")}>
              {t("accept")}
            </Button>
          </>
        )}
      </PageHeader>
      <Facts submission={submission} now={now} />
      <Changes changes={submission.changes} />
      <Definition template={definition} />
      <Try key={id} submission={submission} />
      <Comments submission={submission} now={now} />
      <Decide submission={submission} how={how} opened={asking} onClose={ask.close} />
    </>
  );
}

function Facts({ submission, now }: { submission: WholeSubmission; now: number }) {
  const { t } = useTranslation("templates");
  const { template, version, status, own, author, submitted_at, reviewer, reviewed_at, reason, definition } = submission;
  return (
    <section className="sn-panel" aria-label={t("status")}>
      <dl className={classes["facts"]}>
        <Fact name={t("status")}>
          <Status status={status} />
        </Fact>
        <Fact name={t("id")}>
          <span className="sn-mono">{template}</span>
        </Fact>
        <Fact name={t("version")}>{version}</Fact>
        <Fact name={t("language")}>{t(`language_${definition.language}`)}</Fact>
        <Fact name={t("author")}>{own ? t("you") : (author ?? t("unknown"))}</Fact>
        <Fact name={t("submitted")}>
          <Moment time={new Date(submitted_at)} now={now} />
        </Fact>
        {reviewed_at !== null && (
          <>
            <Fact name={t("reviewer")}>{reviewer ?? t("unknown")}</Fact>
            <Fact name={t("reviewed")}>
              <Moment time={new Date(reviewed_at)} now={now} />
            </Fact>
          </>
        )}
        {reason !== null && reason !== "" && (
          <Fact name={t("reason")} isWide>
            <span className={classes["words"]}>{reason}</span>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, isWide = false, children }: { name: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div className={isWide ? classes["wide"] : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
