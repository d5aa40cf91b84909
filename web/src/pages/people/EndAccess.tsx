/** Asks before a person is suspended or deleted. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Person } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { usePersonChange } from "./usePersonChange";

/** Properties of {@link EndAccess}. */
export interface EndAccessProps {
  person: Person;
  how: "suspend" | "delete";
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function EndAccess({ person, how, opened, onClose }: EndAccessProps) {
  const { t } = useTranslation(["people", "common"]);
  const { login } = person;
  const { send, isPending, error, conflict } = usePersonChange({
    person,
    request: ({ id, version }) =>
      how === "delete"
        ? api.DELETE("/api/v1/users/{id}", { params: { path: { id }, query: { version } } })
        : api.PATCH("/api/v1/users/{id}", { params: { path: { id } }, body: { version, status: "suspended" } }),
    onDone: () => {
      onClose();
      void toast(t(how === "delete" ? "deleted" : "suspended", { login }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`${how}Title`, { login })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t(`${how}Body`)}
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? how : `${how}Anyway`)}
        isPending={isPending}
        onConfirm={() => {
          send(undefined);
        }}
        onClose={onClose}
      >
        {conflict !== null && <Conflict {...conflict} />}
      </Confirmation>
    </Modal>
  );
}
