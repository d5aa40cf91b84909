/** Draws the messages of `toast()`. */
import "@mantine/core/styles/Notification.css";
import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";
import classes from "./Toasts.module.css";

/** The corner that messages stand in. */
export default function Toasts() {
  const { t } = useTranslation();
  return <Notifications position="bottom-right" aria-label={t("toasts")} classNames={{ root: classes["corner"] ?? "" }} />;
}
