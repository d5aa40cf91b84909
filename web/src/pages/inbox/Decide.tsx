/** Asks before a device of the inbox is ignored or deleted, as what was kept of it is lost. */
import { Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { INBOX_KEY, type Newcomer } from "@/api/inbox";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";
import { without } from "./search";

/** What is asked about. */
export type Decision = "ignore" | "delete";

/** Properties of {@link Decide}. */
export interface DecideProps {
  newcomer: Newcomer;
  decision: Decision;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function Decide(props: DecideProps) {
  const { t } = useTranslation(["inbox", "common"]);
  const { newcomer, decision, opened, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`${decision}Title`, { name: newcomer.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Question {...props} />
    </Modal>
  );
}

function Question({ newcomer: { id, name, kept }, decision, onClose }: DecideProps) {
  const { t } = useTranslation("inbox");
  const client = useQueryClient();
  const navigate = useNavigate({ from: "/inbox" });
  const refresh = () => client.invalidateQueries({ queryKey: [...INBOX_KEY] });
  const decide = useMutation({
    mutationFn: async () => {
      const params = { path: { id } };
      if (decision === "ignore") await api.PATCH("/api/v1/inbox/{id}", { params, body: { ignored: true } });
      else await api.DELETE("/api/v1/inbox/{id}", { params });
    },
    onSuccess: async () => {
      onClose();
      void toast(t(`${decision}Done`, { name }));
      if (decision === "delete") await navigate({ search: without(id), replace: true });
      await refresh();
    },
    onError: () => void refresh(),
  });
  return (
    <Confirmation
      body={t(`${decision}Body`, { count: kept })}
      error={decide.error}
      confirm={t(decision)}
      isPending={decide.isPending}
      onConfirm={() => {
        decide.mutate();
      }}
      onClose={onClose}
    />
  );
}
