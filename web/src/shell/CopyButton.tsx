/** Copies a text; says so by icon and word. */
import { Button } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useCopy } from "./useCopy";

/** Properties of {@link CopyButton}. */
export interface CopyButtonProps {
  text: string;
  /** What is copied, for those who cannot see what the button stands beside. */
  label: string;
}

/** A button that copies `text`. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy();
  const Icon = copied ? Check : Copy;
  return (
    <Button
      variant="default"
      leftSection={<Icon size={14} aria-hidden />}
      onClick={() => {
        copy(text);
      }}
    >
      <span aria-live="polite">{t(copied ? "copy.copied" : "copy.copy")}</span>
      <span className="sn-hidden">: {label}</span>
    </Button>
  );
}
