/** A link that is shown once. */
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { components } from "@/api/schema";
import { CopyButton } from "@/shell/CopyButton";
import { linkAddress } from "@/shell/oneTimeLink";
import { Secret } from "@/shell/Secret";

/** A link and whom it is for. */
export interface IssuedLink {
  login: string;
  link: components["schemas"]["OneTimeLink"];
  /** Whether it is on its way to the person's address as well; undefined if they have none. */
  mailed?: boolean;
}

/** Shows the link and copies it. */
export function OneTimeLink({ issued, onDone }: { issued: IssuedLink; onDone: () => void }) {
  const { t, i18n } = useTranslation(["people", "common"]);
  const { login, link, mailed } = issued;
  const address = linkAddress(globalThis.location.origin, "invitation", link.code);
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  const label = t("linkLabel", { login });
  return (
    <Stack gap="md">
      <Text>{t("linkBody", { login, until: until.format(new Date(link.expires_at)) })}</Text>
      {mailed !== undefined && <Text>{t(mailed ? "linkMailed" : "linkNotMailed")}</Text>}
      <Secret text={address} label={label} />
      <Group justify="flex-end" gap="sm">
        <CopyButton text={address} label={label} />
        <Button onClick={onDone}>{t("done")}</Button>
      </Group>
    </Stack>
  );
}

/** Properties of {@link LinkDialog}. */
export interface LinkDialogProps {
  issued: IssuedLink;
  opened: boolean;
  onClose: () => void;
}

/** The same as a dialog of its own. */
export function LinkDialog({ issued, opened, onClose }: LinkDialogProps) {
  const { t } = useTranslation(["people", "common"]);
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      // A click beside the dialog must not lose a link that is shown once.
      closeOnClickOutside={false}
      title={t("linkTitle")}
      closeButtonProps={{ "aria-label": t("common:close") }}
    >
      <OneTimeLink issued={issued} onDone={onClose} />
    </Modal>
  );
}
