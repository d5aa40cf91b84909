/** What was said about a submission, as plain text, and a field to say more. */
import { Button, Textarea, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { MessageSquare } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { SUBMISSIONS_KEY, type WholeSubmission } from "@/api/submissions";
import { FormFailure } from "@/shell/FormFailure";
import { Moment } from "@/shell/Moment";
import classes from "./template.module.css";

/** Properties of {@link Comments}. */
export interface CommentsProps {
  submission: WholeSubmission;
  now: number;
}

/** The section. */
export function Comments({ submission: { id, comments }, now }: CommentsProps) {
  const { t } = useTranslation("templates");
  const client = useQueryClient();
  const [text, setText] = useState("");
  const say = useMutation({
    mutationFn: async () =>
      body(await api.POST("/api/v1/submissions/{id}/comments", { params: { path: { id } }, body: { text: text.trim() } })),
    onSuccess: async () => {
      setText("");
      await client.invalidateQueries({ queryKey: SUBMISSIONS_KEY });
    },
  });
  return (
    <section className={classes["section"]} aria-labelledby="comments">
      <Title order={2} id="comments">
        {t("comments")}
      </Title>
      {comments.length === 0 ? (
        <p className="sn-dim">{t("commentsNone")}</p>
      ) : (
        <ul className={classes["comments"]}>
          {comments.map(({ author, at, text: said }, index) => (
            <li key={index} className="sn-panel">
              <p>
                <b>{author ?? t("unknown")}</b> · <Moment time={new Date(at)} now={now} />
              </p>
              <p className={classes["words"]}>{said}</p>
            </li>
          ))}
        </ul>
      )}
      <form
        noValidate
        className={classes["say"]}
        onSubmit={(event: SubmitEvent) => {
          event.preventDefault();
          say.mutate();
        }}
      >
        <Textarea
          label={t("comment")}
          value={text}
          rows={3}
          maxLength={2_000}
          onChange={(event) => {
            setText(event.currentTarget.value);
          }}
        />
        <FormFailure error={say.error} />
        <Button
          type="submit"
          variant="default"
          leftSection={<MessageSquare size={14} aria-hidden />}
          loading={say.isPending}
          disabled={text.trim() === ""}
        >
          {t("say")}
        </Button>
      </form>
    </section>
  );
}
