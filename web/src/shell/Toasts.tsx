/** Draws the messages of `toast()`. */
import "@mantine/core/styles/Notification.css";
import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";
import { useTranslation } from "react-i18next";
import classes from "./Toasts.module.css";

/** The corner that messages stand in. */
export default function Toasts() {
  const { t } = useTranslation();
  // Each corner is an element of its own; one landmark is around them.
  return (
    <section aria-label={t("toasts")}>
      <Notifications position="bottom-right" withinPortal={false} classNames={{ root: classes["corner"] ?? "" }} />
    </section>
  );
}
