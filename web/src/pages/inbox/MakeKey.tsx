/** Leads to the dialog that makes a key for devices. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useTranslation } from "react-i18next";

/** The button, which is a link. */
export function MakeKey({ isQuiet = false }: { isQuiet?: boolean }) {
  const { t } = useTranslation("inbox");
  return (
    <Button
      variant={isQuiet ? "default" : "filled"}
      leftSection={<KeyRound size={16} aria-hidden />}
      renderRoot={(props) => <Link to="/tokens" search={{ new: "devices" }} {...props} />}
    >
      {t("makeKey")}
    </Button>
  );
}
