/** Suggests a type of devices, or a change of one, which an administrator reviews. From editors on. */
import { Anchor, Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronLeft, FileX, Send } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { deviceTypesQuery } from "@/api/queries";
import { submissionQuery, SUBMISSIONS_KEY } from "@/api/submissions";
import classes from "@/pages/template-new/templateNew.module.css";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { OnlyFrom } from "@/shell/OnlyFrom";
import { PageHeader } from "@/shell/PageHeader";
import { toast } from "@/shell/toast";
import { type Basis, basisOf, DECODERS, draftOf, requestOf, type TypeDraft, wrongBounds } from "./draft";
import { FieldsEditor } from "./FieldsEditor";

/** The page `/devices/types/new`. */
export default function NewTypePage() {
  return (
    <OnlyFrom least="editor">
      <Loaded />
    </OnlyFrom>
  );
}

function Loaded() {
  const { t } = useTranslation("templates");
  const { type, submission } = useSearch({ from: "/signed-in/devices/types/new" });
  // What is being written does not change under the hands of the writer; what it begins with is asked for anew each time.
  const once = { staleTime: 0, gcTime: 0, refetchOnWindowFocus: false, refetchOnReconnect: false };
  const types = useQuery({ ...deviceTypesQuery, ...once });
  const submitted = useQuery({ ...submissionQuery(submission ?? ""), ...once, enabled: submission !== undefined });
  const isReady = types.isFetchedAfterMount && (submission === undefined || submitted.isFetchedAfterMount);
  const error = types.error ?? submitted.error;
  return (
    <div className={classes["page"]}>
      <nav aria-label={t("types")}>
        <Anchor className={classes["back"] ?? ""} renderRoot={(props) => <Link to="/devices/types" {...props} />}>
          <ChevronLeft size={14} aria-hidden />
          {t("types")}
        </Anchor>
      </nav>
      <FormFailure error={error} />
      {error === null && !isReady && <Loading />}
      {error === null && isReady && types.data !== undefined && (
        <Begun key={`${type ?? ""} ${submission ?? ""}`} basis={basisOf(types.data, { submission: submitted.data, type })} />
      )}
    </div>
  );
}

function Begun({ basis: now }: { basis: Basis | null }) {
  const { t } = useTranslation("templates");
  const [basis] = useState(now);
  if (basis === null) {
    return (
      <EmptyState order={1} icon={FileX} title={t("typeGone")} description={t("typeGoneWhy")}>
        <Link to="/devices/types">{t("types")}</Link>
      </EmptyState>
    );
  }
  const { version, definition } = basis;
  return (
    <>
      {version === undefined ? (
        <PageHeader title={t("newTypeTitle")} description={t("newTypeWhy")} />
      ) : (
        <PageHeader title={t("changeTypeTitle", { name: definition?.name })} description={t("changeTypeWhy")} />
      )}
      <Form basis={basis} />
    </>
  );
}

function Form({ basis }: { basis: Basis }) {
  const { t } = useTranslation("templates");
  const client = useQueryClient();
  const navigate = useNavigate();
  const [draft, setDraft] = useState<TypeDraft>(() => draftOf(basis.definition));
  const [isChecked, setChecked] = useState(false);
  const submit = useMutation({
    mutationFn: async () => body(await api.POST("/api/v1/submissions", { body: { type: requestOf(draft, basis) } })),
    onSuccess: async ({ id, title, version }) => {
      void toast(t("submittedDone", { title, version }));
      await client.invalidateQueries({ queryKey: SUBMISSIONS_KEY });
      await navigate({ to: "/templates/$id", params: { id } });
    },
  });
  const text = (part: "name" | "table" | "description") => ({
    value: draft[part],
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => {
      setDraft({ ...draft, [part]: event.currentTarget.value });
    },
  });
  const send = (event: SubmitEvent) => {
    event.preventDefault();
    setChecked(true);
    if (!draft.fields.some((field) => wrongBounds(field).length > 0)) submit.mutate();
  };
  return (
    <form noValidate className={classes["form"]} onSubmit={send}>
      <div className={classes["fields"]}>
        <TextInput label={t("typeName")} description={t("typeNameHint")} maxLength={100} {...text("name")} />
        <TextInput
          label={t("table")}
          description={t("tableHint")}
          classNames={{ input: "sn-mono" }}
          autoCapitalize="none"
          spellCheck={false}
          {...text("table")}
        />
        <NativeSelect
          label={t("decoder")}
          description={t("decoderHint")}
          value={draft.decoder}
          data={DECODERS.map((value) => ({ value, label: t(`decoder_${value}`) }))}
          onChange={(event) => {
            const decoder = DECODERS.find((known) => known === event.currentTarget.value) ?? "none";
            setDraft({ ...draft, decoder });
          }}
        />
        <Textarea
          className={classes["wide"] ?? ""}
          label={t("typeDescription")}
          description={t("typeDescriptionHint")}
          rows={3}
          maxLength={1_000}
          {...text("description")}
        />
      </div>
      <FieldsEditor
        fields={draft.fields}
        onChange={(fields) => {
          setDraft({ ...draft, fields });
        }}
        isChecked={isChecked}
      />
      <div className={classes["submit"]}>
        <FormFailure error={submit.error} />
        <Button type="submit" leftSection={<Send size={16} aria-hidden />} loading={submit.isPending}>
          {t("submitNow")}
        </Button>
      </div>
    </form>
  );
}
