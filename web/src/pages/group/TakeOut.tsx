/** Asks before somebody or something is taken out of a group. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Group } from "@/api/groups";
import { Conflict } from "@/pages/groups/Conflict";
import { type Part, without } from "@/pages/groups/form";
import { useGroupChange } from "@/pages/groups/useGroupChange";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link TakeOut}. */
export interface TakeOutProps {
  group: Group;
  part: Part;
  thing: { id: string; name: string };
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function TakeOut({ group, part, thing, opened, onClose }: TakeOutProps) {
  const { t } = useTranslation(["groups", "common"]);
  const words = { name: thing.name, group: group.name };
  const { send, isPending, error, conflict } = useGroupChange({
    group,
    request: (base) =>
      api.PATCH("/api/v1/groups/{id}", {
        params: { path: { id: base.id } },
        body: { version: base.version, ...without(base, part, thing.id) },
      }),
    onDone: () => {
      onClose();
      void toast(t("takenOut", words));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("takeOutTitle", words)}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t(`takeOutBody_${part}`)}
        isHarmless
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? "takeOut" : "takeOutAnyway")}
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
