/** The tables of a database and their columns; a click writes a name into the statement. */
import { ActionIcon, TextInput, UnstyledButton } from "@mantine/core";
import { ChevronRight, ListStart } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Table } from "./examples";
import classes from "./SchemaList.module.css";

export interface SchemaListProps {
  tables: readonly Table[];
  /** Writes a name where the cursor is. */
  onInsert: (name: string) => void;
  /** Asks for a table's newest rows. */
  onLatest: (table: string) => void;
}

/** From so many tables on there is a field to search them. */
const SEARCHABLE = 8;

export function SchemaList({ tables, onInsert, onLatest }: SchemaListProps) {
  const { t } = useTranslation("explore");
  const [wanted, setWanted] = useState("");
  const words = wanted.toLowerCase();
  const found = tables.filter(
    (table) =>
      table.name.toLowerCase().includes(words) ||
      table.columns.some((column) => column.name.toLowerCase().includes(words)),
  );
  return (
    <nav aria-label={t("schema.title")}>
      {tables.length >= SEARCHABLE && (
        <TextInput
          size="xs"
          mb="sm"
          aria-label={t("schema.search")}
          placeholder={t("schema.search")}
          value={wanted}
          onChange={(event) => {
            setWanted(event.currentTarget.value);
          }}
        />
      )}
      <ul className={classes["tables"]}>
        {found.map((table) => (
          <li key={table.name}>
            <details className={classes["table"]}>
              <summary>
                <ChevronRight size={14} aria-hidden className={classes["mark"]} />
                <span className={classes["name"]}>{table.name}</span>
                <span className={classes["count"]} aria-hidden>
                  {table.columns.length}
                </span>
              </summary>
              <ul className={classes["columns"]}>
                {table.columns.map((column) => (
                  <li key={column.name}>
                    <UnstyledButton
                      className={classes["column"]}
                      onClick={() => {
                        onInsert(column.name);
                      }}
                    >
                      <span className={classes["name"]}>{column.name}</span>
                      <span className={classes["type"]}>{column.kind === "tag" ? t("schema.tag") : column.type}</span>
                    </UnstyledButton>
                  </li>
                ))}
              </ul>
            </details>
            <ActionIcon
              className={classes["latest"] ?? ""}
              aria-label={t("schema.latest", { table: table.name })}
              title={t("schema.latest", { table: table.name })}
              onClick={() => {
                onLatest(table.name);
              }}
            >
              <ListStart size={14} aria-hidden />
            </ActionIcon>
          </li>
        ))}
      </ul>
      {tables.length === 0 && <p className="sn-dim">{t("schema.empty")}</p>}
      {tables.length > 0 && found.length === 0 && <p className="sn-dim">{t("schema.nothing")}</p>}
    </nav>
  );
}
