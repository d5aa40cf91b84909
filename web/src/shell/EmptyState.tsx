/** An empty page says why it is empty and offers the one next action. */
import { Text, Title } from "@mantine/core";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./EmptyState.module.css";

/** Properties of {@link EmptyState}. */
export interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  /** Why there is nothing here. */
  description: string;
  /** Level of the heading; 1 where it is the page's only one. */
  order?: 1 | 2;
  /** The one next action, usually a button or a link. */
  children?: ReactNode;
}

/** Stands where data will be. */
export function EmptyState({ icon: Icon, title, description, order = 2, children }: EmptyStateProps) {
  return (
    <section className={classes["empty"]}>
      <Icon size={32} strokeWidth={1.25} aria-hidden />
      <Title order={order} size="h2">{title}</Title>
      <Text c="dimmed">{description}</Text>
      {children}
    </section>
  );
}
