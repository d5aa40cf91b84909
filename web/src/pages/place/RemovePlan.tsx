/** Asks before the plan of a place is taken away. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Place } from "@/api/queries";
import { Conflict } from "@/pages/places/Conflict";
import { usePlaceChange } from "@/pages/places/usePlaceChange";
import { Confirmation } from "@/shell/Confirmation";
import { toast } from "@/shell/toast";

/** Properties of {@link RemovePlan}. */
export interface RemovePlanProps {
  place: Place;
  opened: boolean;
  onClose: () => void;
}

/** Confirmation dialog. */
export function RemovePlan({ place, opened, onClose }: RemovePlanProps) {
  const { t } = useTranslation(["places", "common"]);
  const { send, isPending, error, conflict } = usePlaceChange({
    place,
    request: ({ id, version }) =>
      api.DELETE("/api/v1/places/{id}/plan", { params: { path: { id }, query: { version } } }),
    onDone: () => {
      onClose();
      void toast(t("planGone", { name: place.name }));
    },
  });
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("removePlanTitle", { name: place.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Confirmation
        body={t("removePlanBody")}
        error={error}
        cancel={conflict === null ? undefined : t("keep")}
        confirm={t(conflict === null ? "removePlan" : "removePlanAnyway")}
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
