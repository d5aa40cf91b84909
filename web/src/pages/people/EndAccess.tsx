/** Asks before a person is suspended or deleted. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Person } from "@/api/queries";
import { FormFailure } from "@/shell/FormFailure";
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
      <Stack gap="md">
        <Text>{t(`${how}Body`)}</Text>
        {conflict !== null && <Conflict {...conflict} />}
        <FormFailure error={error} />
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t(conflict === null ? "common:cancel" : "keep")}
          </Button>
          <Button
            color="red.9"
            loading={isPending}
            onClick={() => {
              send(undefined);
            }}
          >
            {t(conflict === null ? how : `${how}Anyway`)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
