/** What a dialog that asks before it acts has in it. */
import { Button, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FormFailure } from "./FormFailure";

/** Properties of {@link Confirmation}. */
export interface ConfirmationProps {
  /** What will happen. */
  body: string;
  /** What came in between, such as a conflict. */
  children?: ReactNode;
  error: Error | null;
  /** On the button that does nothing; "Cancel" without it. */
  cancel?: string | undefined;
  confirm: string;
  /** Whether it can be taken back. */
  isHarmless?: boolean;
  isPending: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** The text and two buttons; the one that does nothing has the focus. */
export function Confirmation(props: ConfirmationProps) {
  const { t } = useTranslation();
  const { body, children, error, cancel, confirm, isHarmless = false, isPending, onConfirm, onClose } = props;
  return (
    <Stack gap="md">
      <Text>{body}</Text>
      {children}
      <FormFailure error={error} />
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose} data-autofocus>
          {cancel ?? t("cancel")}
        </Button>
        <Button {...(isHarmless ? {} : { color: "red.9" })} loading={isPending} onClick={onConfirm}>
          {confirm}
        </Button>
      </Group>
    </Stack>
  );
}
