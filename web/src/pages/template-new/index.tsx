/** Writes a template, or another version of one, and submits it. From editors on. */
import { Anchor, Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronLeft, Send } from "lucide-react";
import { type SubmitEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, body } from "@/api/client";
import {
  type TemplateRequest,
  submissionQuery,
  SUBMISSIONS_KEY,
  templateIn,
  type WholeTemplate,
  wholeTemplateQuery,
} from "@/api/submissions";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { toast } from "@/shell/toast";
import { type Draft, draftOf, LANGUAGES, listIn, requestOf, wrongNumbers } from "./draft";
import { FilesEditor } from "./FilesEditor";
import { placed, problemsOf } from "./placed";
import { Problems } from "./Problems";
import classes from "./templateNew.module.css";
import { Variables } from "./Variables";

/** The page `/templates/new`. */
export default function NewTemplatePage() {
  return (
    <OnlyFrom least="editor">
      <Loaded />
    </OnlyFrom>
  );
}

function Loaded() {
  const { t } = useTranslation("templates");
  const { template, submission } = useSearch({ from: "/signed-in/templates/new" });
  // What is being written does not change under the hands of the writer.
  const once = { staleTime: Infinity, refetchOnWindowFocus: false };
  const known = useQuery({ ...wholeTemplateQuery(template ?? ""), ...once, enabled: template !== undefined && submission === undefined });
  const submitted = useQuery({ ...submissionQuery(submission ?? ""), ...once, enabled: submission !== undefined });
  const asked = submission === undefined ? known : submitted;
  const base = submission === undefined ? known.data : templateIn(submitted.data);
  const isWaiting = (template !== undefined || submission !== undefined) && asked.isPending;
  const isVersion = base?.shipped === false;
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("all")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/templates" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("all")}
        </Anchor>
      </nav>
      <PageHeader title={isVersion ? t("versionTitle", { title: base.title }) : t("newTitle")} description={t("newWhy")} />
      <FormFailure error={asked.error} />
      {isWaiting ? <Loading /> : asked.error === null && <Form key={base?.id ?? ""} base={base} />}
    </div>
  );
}

function Form({ base }: { base: WholeTemplate | undefined }) {
  const { t } = useTranslation("templates");
  const client = useQueryClient();
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>(() => draftOf(base));
  const [json, setJson] = useState<string | null>(null);
  const [isChecked, setChecked] = useState(false);
  const submit = useMutation({
    mutationFn: async (request: TemplateRequest) => body(await api.POST("/api/v1/submissions", { body: { template: request } })),
    onSuccess: async ({ id, title, version }) => {
      void toast(t("submittedDone", { title, version }));
      await client.invalidateQueries({ queryKey: SUBMISSIONS_KEY });
      await navigate({ to: "/templates/$id", params: { id } });
    },
  });
  const { error } = submit;
  const isJson = json !== null;
  const problems = useMemo(() => problemsOf(error), [error]);
  const found = useMemo(() => {
    const names = (things: readonly { name: string }[]) => things.map(({ name }) => name.trim());
    return placed(problems, names(draft.files), isJson ? null : names(draft.variables));
  }, [problems, draft.files, draft.variables, isJson]);
  const text = (field: "id" | "title" | "hardware" | "description") => ({
    value: draft[field],
    error: found[field],
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => {
      setDraft({ ...draft, [field]: event.currentTarget.value });
    },
  });
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    setChecked(true);
    const read = json === null ? undefined : listIn(json);
    if (read !== undefined && "problem" in read) return;
    if (read === undefined && draft.variables.some((variable) => wrongNumbers(variable).length > 0)) return;
    submit.mutate(requestOf(draft, read?.list));
  };
  const isListed = problems.length > 0;
  return (
    <form noValidate className={classes["form"]} onSubmit={send}>
      <div className={classes["fields"]}>
        <TextInput
          label={t("id")}
          description={t(base?.shipped === false ? "idStays" : "idHint")}
          classNames={{ input: "sn-mono" }}
          maxLength={40}
          autoCapitalize="none"
          spellCheck={false}
          readOnly={base?.shipped === false}
          {...text("id")}
        />
        <TextInput label={t("titleField")} description={t("titleHint")} maxLength={100} {...text("title")} />
        <TextInput label={t("hardware")} description={t("hardwareHint")} maxLength={100} {...text("hardware")} />
        <NativeSelect
          label={t("language")}
          description={t("languageHint")}
          value={draft.language}
          data={LANGUAGES.map((value) => ({ value, label: t(`language_${value}`) }))}
          onChange={(event) => {
            const language = LANGUAGES.find((known) => known === event.currentTarget.value) ?? "text";
            setDraft({ ...draft, language });
          }}
        />
        <Textarea
          className={classes["wide"] ?? ""}
          label={t("whatItDoes")}
          description={t("descriptionHint")}
          rows={4}
          maxLength={4_000}
          {...text("description")}
        />
      </div>
      <Variables
        variables={draft.variables}
        onChange={(changed) => {
          setDraft({ ...draft, variables: changed });
        }}
        json={json}
        onJson={setJson}
        found={found}
        isChecked={isChecked}
      />
      <FilesEditor
        files={draft.files}
        onChange={(changed) => {
          setDraft({ ...draft, files: changed });
        }}
        found={found}
      />
      <div className={classes["submit"]}>
        <FormFailure error={isListed ? new ApiError(t("wrong", { count: problems.length }), 400, "invalid") : error} />
        <Problems problems={found.rest} withPlace />
        <Button type="submit" leftSection={<Send size={16} aria-hidden />} loading={submit.isPending}>
          {t("submitNow")}
        </Button>
      </div>
    </form>
  );
}
