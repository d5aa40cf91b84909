/** Asks before a submission is accepted, returned or withdrawn. */
import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { DEVICES_KEY, templatesQuery } from "@/api/queries";
import { SUBMISSIONS_KEY, type Submission } from "@/api/submissions";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";

/** What is decided. */
export type Decision = "accept" | "return" | "withdraw";

/** Properties of {@link Decide}. */
export interface DecideProps {
  submission: Submission;
  how: Decision;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function Decide(props: DecideProps) {
  const { t } = useTranslation(["templates", "common"]);
  const { submission, how, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`${how}Title`, { title: submission.title, version: submission.version })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Question key={how} {...props} />
    </Modal>
  );
}

function Question({ submission: { id, kind, title, version, status }, how, onClose }: DecideProps) {
  const { t } = useTranslation(["templates", "common"]);
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const [isMissing, setMissing] = useState(false);
  const decide = useMutation({
    mutationFn: async () => {
      const path = { id };
      if (how === "withdraw") return body(await api.DELETE("/api/v1/submissions/{id}", { params: { path } }));
      const request = { decision: how, reason: reason.trim() };
      return body(await api.POST("/api/v1/submissions/{id}/review", { params: { path }, body: request }));
    },
    onSuccess: () => {
      onClose();
      void toast(t(`${how}Done`, { title, version }));
    },
    // Also after a refusal: somebody else may have decided.
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: SUBMISSIONS_KEY }),
        client.invalidateQueries({ queryKey: kind === "type" ? DEVICES_KEY : templatesQuery.queryKey }),
      ]),
  });
  const words = () => {
    if (how === "withdraw" && status === "accepted") return t("withdrawAcceptedBody");
    return how === "accept" && kind === "type" ? t("acceptTypeBody") : t(`${how}Body`);
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        const needed = how === "return" && reason.trim() === "";
        setMissing(needed);
        if (!needed) decide.mutate();
      }}
    >
      <Stack gap="md">
        <Text>{words()}</Text>
        {how !== "withdraw" && (
          <Textarea
            label={t("reason")}
            description={t(how === "return" ? "reasonNeeded" : "reasonOptional")}
            error={isMissing ? t("reasonMissing") : null}
            value={reason}
            rows={4}
            maxLength={2_000}
            data-autofocus
            onChange={(event) => {
              setReason(event.currentTarget.value);
            }}
          />
        )}
        <FormFailure error={decide.error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} {...(how === "withdraw" ? { "data-autofocus": true } : {})}>
            {t("common:cancel")}
          </Button>
          <Button type="submit" loading={decide.isPending} {...(how === "accept" ? {} : { color: "red.9" })}>
            {t(how)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
