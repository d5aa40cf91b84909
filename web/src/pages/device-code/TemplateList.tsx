/** The templates to choose from. */
import { Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Template } from "@/api/queries";
import classes from "./deviceCode.module.css";

/** A card for each template. */
export function TemplateList({ templates }: { templates: readonly Template[] }) {
  const { t } = useTranslation("device-code");
  return (
    <ul className={classes["list"]} aria-label={t("list")}>
      {templates.map(({ id, title, hardware, description }) => (
        <li key={id}>
          <Link to="/device-code" search={{ template: id }} className={`sn-panel ${classes["card"] ?? ""}`}>
            <Title order={2} size="h3">
              {title}
            </Title>
            <span className={classes["hardware"]}>{hardware}</span>
            <span className={classes["about"]}>{description}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
