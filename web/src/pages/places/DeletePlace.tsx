/** Asks before a place is deleted; what is in it keeps it, which the server's answer says. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Place } from "@/api/queries";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";
import { Conflict } from "./Conflict";
import { usePlaceChange } from "./usePlaceChange";

/** Properties of {@link DeletePlace}. */
export interface DeletePlaceProps {
  place: Place;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function DeletePlace({ place, opened, onClose }: DeletePlaceProps) {
  const { t } = useTranslation(["places", "common"]);
  const { name } = place;
  const { send, isPending, error, conflict } = usePlaceChange({
    place,
    request: ({ id, version }) => api.DELETE("/api/v1/places/{id}", { params: { path: { id }, query: { version } } }),
    onDone: () => {
      onClose();
      void toast(t("deleted", { name }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("deleteTitle", { name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t("deleteBody")}
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? "delete" : "deleteAnyway")}
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
