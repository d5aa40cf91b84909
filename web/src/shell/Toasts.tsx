/** Draws the messages of `toast()`. */
import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";

/** The corner that messages stand in. */
export default function Toasts() {
  const { t } = useTranslation();
  return <Notifications position="bottom-right" aria-label={t("toasts")} />;
}
