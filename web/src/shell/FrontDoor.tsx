/** The frame of the two pages that people see before they are signed in. */
import { Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import classes from "./FrontDoor.module.css";
import { Mark } from "./Mark";

/** Properties of {@link FrontDoor}. */
export interface FrontDoorProps {
  title: string;
  description?: string;
  children: ReactNode;
}

/** A card in the middle of an otherwise empty page. */
export function FrontDoor({ title, description, children }: FrontDoorProps) {
  const { t } = useTranslation();
  return (
    <main className={classes["door"]}>
      <p className={classes["brand"]}>
        <Mark size={28} />
        {t("product")}
      </p>
      <section className={`sn-panel ${classes["card"] ?? ""}`}>
        <Title order={1}>{title}</Title>
        {description !== undefined && <Text c="dimmed">{description}</Text>}
        {children}
      </section>
    </main>
  );
}
