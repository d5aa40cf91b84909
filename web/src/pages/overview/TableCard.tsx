/** One table's newest values, how old they are, and the way to all of them. */
import { Link } from "@tanstack/react-router";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Age, freshness, reading, Sparkline, unitOf, useNowAs } from "@/charts";
import { quoted } from "@/sql/query";
import type { Card, CardField } from "./cards";
import classes from "./TableCard.module.css";

export interface TableCardProps {
  card: Card;
  database: string;
  /** The server's present, in milliseconds since the epoch, minus this device's. */
  skewMs: number;
}

/** Drawn again only when its card is another: many cards stand beside each other, and one table changes at a time. */
export const TableCard = memo(function TableCard({ card, database, skewMs }: TableCardProps) {
  const { t } = useTranslation("overview");
  const tags = Object.entries(card.tags);
  const newest = card.newest - skewMs;
  const shown = useNowAs((now) => freshness(now - newest, card.everyMs));
  return (
    <article className={`sn-panel ${classes["card"] ?? ""}`} data-freshness={shown}>
      <header className={classes["head"]}>
        <h3 className={classes["name"]}>
          <Link
            to="/explore"
            search={{ db: database, q: `SELECT * FROM ${quoted(card.table)} ORDER BY "time" DESC LIMIT 100` }}
          >
            {card.table}
          </Link>
        </h3>
        <Age time={newest} everyMs={card.everyMs} />
      </header>
      <p className={classes["tags"]} title={tags.map(([name, value]) => `${name}=${value}`).join(", ")}>
        {card.seriesTotal > 1 && <span>{t("card.series", { count: card.seriesTotal })} · </span>}
        {tags.map(([name, value]) => (
          <span key={name}>
            {name}={value}{" "}
          </span>
        ))}
      </p>
      <dl className={classes["fields"]}>
        {card.fields.map((field) => (
          <div key={field.name} className={classes["field"]}>
            <dt title={field.name}>{field.name}</dt>
            {field.trend !== null && (
              <dd className={classes["trend"]} aria-hidden>
                <Sparkline
                  times={field.trend.times}
                  values={field.trend.values}
                  width={64}
                  height={16}
                  gapMs={Math.max(2500, card.everyMs * 3.5)}
                />
              </dd>
            )}
            <dd>
              <Value table={card.table} field={field} />
            </dd>
          </div>
        ))}
      </dl>
      {card.more > 0 && <p className={classes["more"]}>{t("card.more", { count: card.more })}</p>}
    </article>
  );
});

function Value({ table, field }: { table: string; field: CardField }) {
  const { t } = useTranslation("overview");
  if (field.text !== null) return <span className={classes["text"]}>{field.text}</span>;
  if (field.type === "boolean" || field.type === "bool") return t(field.number === 0 ? "card.false" : "card.true");
  const { text, unit } = reading(field.number, unitOf(table, field.name));
  return (
    <>
      {text}
      {unit !== "" && <span className={classes["unit"]}> {unit}</span>}
    </>
  );
}
