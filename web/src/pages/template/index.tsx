/** One submitted version of a template or a type: where it stands, what it changes, what it is, what was said; try it and decide. */
import { Anchor, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useRouteContext } from "@tanstack/react-router";
import { Check, ChevronLeft, FilePlus2, FileX, Undo2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { isAtLeast } from "@/api/roles";
import { submissionQuery, templateIn, typeIn, type WholeSubmission } from "@/api/submissions";
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
import { DefinitionOfType } from "./DefinitionOfType";
import { mayWithdraw } from "./rights";
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
  const { id, status, title } = submission;
  const [template, type] = [templateIn(submission), typeIn(submission)];
  const decides = isAtLeast(role, "administrator");
  const choose = (decision: Decision) => () => {
    setHow(decision);
    ask.open();
  };
  return (
    <>
      <PageHeader title={title} description={template?.hardware ?? t("typeOfDevices")}>
        {mayWithdraw(submission, decides) && (
          <Button variant="default" onClick={choose("withdraw")}>
            {t("withdraw")}
          </Button>
        )}
        <Button
          variant="default"
          leftSection={<FilePlus2 size={16} aria-hidden />}
          renderRoot={(props) => <Link to={type === undefined ? "/templates/new" : "/devices/types/new"} search={{ submission: id }} {...props} />}
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
      {template !== undefined && (
        <>
          <Definition template={template} />
          <Try key={id} id={id} template={template} />
        </>
      )}
      {type !== undefined && <DefinitionOfType type={type} />}
      <Comments submission={submission} now={now} />
      <Decide submission={submission} how={how} opened={asking} onClose={ask.close} />
    </>
  );
}

function Facts({ submission, now }: { submission: WholeSubmission; now: number }) {
  const { t } = useTranslation("templates");
  const { kind, subject, base_version, version, status, own, author, submitted_at, reviewer, reviewed_at, reason } = submission;
  const template = templateIn(submission);
  return (
    <section className="sn-panel" aria-label={t("status")}>
      <dl className={classes["facts"]}>
        <Fact name={t("status")}>
          <Status status={status} />
        </Fact>
        <Fact name={t("kind")}>{t(`kind_${kind}`)}</Fact>
        <Fact name={t("id")}>
          <span className="sn-mono">{subject}</span>
        </Fact>
        <Fact name={t("version")}>{version}</Fact>
        {base_version !== null && <Fact name={t("baseVersion")}>{base_version}</Fact>}
        {template !== undefined && <Fact name={t("language")}>{t(`language_${template.language}`)}</Fact>}
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
