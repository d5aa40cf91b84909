/** The dialog that adds people, devices or places to a group, several at once. */
import { Modal, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Group } from "@/api/groups";
import { FindDevice } from "@/pages/devices/FindDevice";
import { Conflict } from "@/pages/groups/Conflict";
import { type Part, thingsOf, withAll } from "@/pages/groups/form";
import { useGroupChange } from "@/pages/groups/useGroupChange";
import type { Choosable } from "@/shell/FindList";
import { FormButtons } from "@/shell/FormButtons";
import { FormFailure } from "@/shell/FormFailure";
import { toast } from "@/shell/toast";
import { FindPerson } from "./FindPerson";
import { FindPlace } from "./FindPlace";

/** Properties of {@link AddToGroup}. */
export interface AddToGroupProps {
  group: Group;
  part: Part;
  opened: boolean;
  onClose: () => void;
}

/** Dialog. */
export function AddToGroup({ opened, ...others }: AddToGroupProps) {
  const { t } = useTranslation(["groups", "common"]);
  const { group, part, onClose } = others;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t(`addTitle_${part}`, { name: group.name })}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <Choose {...others} />
    </Modal>
  );
}

function Choose({ group, part, onClose }: Omit<AddToGroupProps, "opened">) {
  const { t } = useTranslation("groups");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isMissing, setMissing] = useState(false);
  const { send, isPending, error, base, conflict } = useGroupChange<readonly string[]>({
    group,
    request: (latest, ids) =>
      api.PATCH("/api/v1/groups/{id}", {
        params: { path: { id: latest.id } },
        body: { version: latest.version, ...withAll(latest, part, ids) },
      }),
    onDone: () => {
      onClose();
      void toast(t("changed", { name: group.name }));
    },
  });
  const known = new Set(thingsOf(base, part).map(({ id }) => id));
  const how = {
    label: t(`find_${part}`),
    hint: t(`findHint_${part}`),
    list: t(`found_${part}`),
    none: t(`noOther_${part}`),
    noneFits: t(`noneFits_${part}`),
    more: (count: number) => t("more", { count }),
    fits: ({ id }: Choosable) => !known.has(id),
    isChosen: ({ id }: Choosable) => chosen.has(id),
    onChoose: ({ id }: Choosable) => {
      setChosen(chosen.has(id) ? new Set([...chosen].filter((other) => other !== id)) : new Set([...chosen, id]));
    },
  };
  const submit = conflict !== null ? t("addAnyway") : chosen.size === 0 ? t("addNone") : t("addChosen", { count: chosen.size });
  return (
    <Stack gap="md">
      {part === "members" && <FindPerson {...how} />}
      {part === "devices" && <FindDevice {...how} noteOf={({ type }) => type?.name ?? null} />}
      {part === "places" && <FindPlace {...how} />}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(chosen.size === 0);
          if (chosen.size > 0) send([...chosen]);
        }}
      >
        <Stack gap="md">
          {conflict !== null && <Conflict {...conflict} />}
          <FormFailure error={error ?? (isMissing && chosen.size === 0 ? t("chooseMissing") : null)} />
          <FormButtons
            submit={submit}
            cancel={conflict === null ? undefined : t("keep")}
            isPending={isPending}
            onClose={onClose}
          />
        </Stack>
      </form>
    </Stack>
  );
}
