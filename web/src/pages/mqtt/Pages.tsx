/** Leads through the pages of a list. */
import { Button, Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { MqttSearch } from "./search";

/** Properties of {@link Pages}. */
export interface PagesProps {
  search: MqttSearch;
  /** The cursor of the page that follows; null on the last. */
  next: string | null;
}

/** Nothing where there is one page. */
export function Pages({ search, next }: PagesProps) {
  const { t } = useTranslation("mqtt");
  const { after, ...first } = search;
  if (after === undefined && next === null) return null;
  return (
    <Group component="nav" justify="center" gap="sm" aria-label={t("pages")}>
      {after !== undefined && (
        <Button
          variant="default"
          leftSection={<ChevronLeft size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/mqtt" search={first} {...props} />}
        >
          {t("first")}
        </Button>
      )}
      {next !== null && (
        <Button
          variant="default"
          rightSection={<ChevronRight size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/mqtt" search={{ ...first, after: next }} {...props} />}
        >
          {t("next")}
        </Button>
      )}
    </Group>
  );
}
