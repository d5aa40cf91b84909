/** The two buttons at the end of a form in a dialog. */
import { Button, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Properties of {@link FormButtons}. */
export interface FormButtonsProps {
  submit: string;
  /** On the button that does nothing; "Cancel" without it. */
  cancel?: string | undefined;
  isPending: boolean;
  onClose: () => void;
}

/** The one that sends stands last. */
export function FormButtons({ submit, cancel, isPending, onClose }: FormButtonsProps) {
  const { t } = useTranslation();
  return (
    <Group justify="flex-end" gap="sm">
      <Button variant="default" onClick={onClose}>
        {cancel ?? t("cancel")}
      </Button>
      <Button type="submit" loading={isPending}>
        {submit}
      </Button>
    </Group>
  );
}
