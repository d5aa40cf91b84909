/** The top of a page: its name, one sentence, and what one can do here. */
import { Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./PageHeader.module.css";

/** Properties of {@link PageHeader}. */
export interface PageHeaderProps {
  title: string;
  /** One sentence that says what the page is for. */
  description?: string;
  /** Buttons on the right. */
  children?: ReactNode;
}

/** The first heading of a page. */
export function PageHeader({ title, description, children }: PageHeaderProps) {
  return (
    <header className={classes["header"]}>
      <div className={classes["words"]}>
        <Title order={1}>{title}</Title>
        {description !== undefined && <Text c="dimmed">{description}</Text>}
      </div>
      {children !== undefined && <Group gap="sm">{children}</Group>}
    </header>
  );
}
