/** What is kept of a device in the inbox: what stands in its newest message, and the messages as they were sent. */
import { Button, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { type KeptMessage, newcomerQuery, type NewcomerWithMessages, type RecognisedTable } from "@/api/inbox";
import { spoken } from "@/charts/format";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import classes from "./inbox.module.css";
import { beginning, keyed } from "./messages";

/** So many messages are shown at first. */
const FIRST = 5;

/** Asks for it, and again while it is shown. */
export function Kept({ id }: { id: string }) {
  const { t } = useTranslation("inbox");
  const { data, error, isPending, dataUpdatedAt } = useQuery(newcomerQuery(id));
  if (error instanceof ApiError && [400, 404].includes(error.status)) return <p className="sn-dim">{t("gone")}</p>;
  return (
    <>
      <FormFailure error={error} />
      {isPending && <Loading />}
      {data !== undefined && <Found newcomer={data} now={dataUpdatedAt} />}
    </>
  );
}

function Found({ newcomer, now }: { newcomer: NewcomerWithMessages; now: number }) {
  const { t } = useTranslation("inbox");
  const { name, recognised, kept_messages: messages, kept_bytes, ignored } = newcomer;
  const [isAll, setAll] = useState(false);
  if (messages.length === 0) return <p className="sn-dim">{t(ignored ? "ignoredKeepsNothing" : "keepsNothing")}</p>;
  return (
    <div className={classes["kept"]}>
      <section className={classes["part"]} aria-label={t("recognisedOf", { name })}>
        <Title order={3}>{t("recognised")}</Title>
        {recognised.length === 0 && <p className="sn-dim">{t("nothingRecognised")}</p>}
        {recognised.map((one) => (
          <Recognised key={one.table} recognised={one} />
        ))}
      </section>
      <section className={classes["part"]} aria-label={t("messagesOf", { name })}>
        <Title order={3}>{t("lastMessages")}</Title>
        <p className="sn-dim">{t("keptInAll", { count: messages.length, size: spoken(kept_bytes, "bytes") })}</p>
        <ol className={classes["messages"]}>
          {keyed(isAll ? messages : messages.slice(0, FIRST)).map(({ key, message }) => (
            <li key={key}>
              <Message message={message} now={now} />
            </li>
          ))}
        </ol>
        {!isAll && messages.length > FIRST && (
          <div>
            <Button
              variant="default"
              onClick={() => {
                setAll(true);
              }}
            >
              {t("moreMessages", { count: messages.length - FIRST })}
            </Button>
          </div>
        )}
      </section>
    </div>
  );
}

function Recognised({ recognised: { table, readings, tags, fields } }: { recognised: RecognisedTable }) {
  const { t } = useTranslation("inbox");
  return (
    <table className={classes["fields"]}>
      <caption>
        {t("tableNamed", { table })} <span className="sn-dim">{t("readings", { count: readings })}</span>
      </caption>
      <thead className="sn-hidden">
        <tr>
          <th scope="col">{t("column")}</th>
          <th scope="col">{t("kind")}</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, type, unit, display_name: displayName }) => (
          <tr key={`field ${name}`}>
            <th scope="row">
              {name}
              {displayName !== "" && <span className="sn-dim"> {displayName}</span>}
            </th>
            <td>{unit === "" ? type : t("inUnit", { type, unit })}</td>
          </tr>
        ))}
        {tags.map((name) => (
          <tr key={`tag ${name}`}>
            <th scope="row">{name}</th>
            <td>{t("tag")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Message({ message: { received_at, database, format, body }, now }: { message: KeptMessage; now: number }) {
  const { t } = useTranslation("inbox");
  const [isWhole, setWhole] = useState(false);
  const { text, isCut } = beginning(body);
  return (
    <article className={classes["message"]}>
      <p className="sn-dim">
        <Moment time={new Date(received_at)} now={now} /> · {t("into", { database })} · <Format format={format} />
      </p>
      <pre>
        <code>{isWhole ? body : text}</code>
        {!isWhole && isCut && <span className="sn-dim">{t("ellipsis")}</span>}
      </pre>
      {isCut && !isWhole && (
        <div>
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            onClick={() => {
              setWhole(true);
            }}
          >
            {t("showAll", { size: spoken(new TextEncoder().encode(body).length, "bytes") })}
          </Button>
        </div>
      )}
    </article>
  );
}

/** A format by the name that people know. */
export function Format({ format }: { format: string }) {
  const { t } = useTranslation("inbox");
  if (format === "line_protocol" || format === "json" || format === "mqtt") return t(`format_${format}`);
  return format;
}
