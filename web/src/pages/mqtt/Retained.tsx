/** What is retained: the last message of each topic that was published so. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, SearchX } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type MqttMessage, mqttRetainedQuery } from "@/api/mqtt";
import { spoken } from "@/charts/format";
import table from "@/shell/CardTable.module.css";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import { FilterForm } from "./FilterForm";
import classes from "./mqtt.module.css";
import { Pages } from "./Pages";
import { RemoveRetained } from "./RemoveRetained";
import { EVERYTHING, type MqttSearch } from "./search";
import { Preview } from "./TopicRow";

/** Properties of {@link Retained}. */
export interface RetainedProps {
  search: MqttSearch;
  mayChange: boolean;
}

/** The tab. */
export function Retained({ search, mayChange }: RetainedProps) {
  const { t } = useTranslation("mqtt");
  const { filter, after } = search;
  const page = useQuery(mqttRetainedQuery({ filter: filter ?? EVERYTHING, ...(after === undefined ? {} : { after }) }));
  const { data, isPlaceholderData } = page;
  const isFiltered = filter !== undefined || after !== undefined;
  const [doomed, setDoomed] = useState<string | null>(null);
  const [asking, ask] = useDisclosure(false);
  return (
    <div className={classes["tab"]}>
      <FilterForm key={filter} search={search} />
      <FormFailure error={page.error} />
      {page.isPending && <Loading />}
      {data?.messages.length === 0 && isFiltered && (
        <EmptyState icon={SearchX} title={t("noRetainedMatches")} description={t("noRetainedMatchesWhy")}>
          <Link to="/mqtt" search={{ tab: "retained" }}>
            {t("showAll")}
          </Link>
        </EmptyState>
      )}
      {data?.messages.length === 0 && !isFiltered && (
        <EmptyState icon={Archive} title={t("noRetained")} description={t("noRetainedWhy")} />
      )}
      {data !== undefined && data.messages.length > 0 && (
        <>
          <Table
            messages={data.messages}
            search={search}
            now={page.dataUpdatedAt}
            isStale={isPlaceholderData}
            onRemove={
              mayChange
                ? (topic) => {
                    setDoomed(topic);
                    ask.open();
                  }
                : undefined
            }
          />
          <Pages search={search} next={isPlaceholderData ? null : (data.next ?? null)} />
        </>
      )}
      {doomed !== null && <RemoveRetained topic={doomed} opened={asking} onClose={ask.close} />}
    </div>
  );
}

interface TableProps {
  messages: readonly MqttMessage[];
  search: MqttSearch;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  isStale: boolean;
  /** Undefined for those who may not. */
  onRemove: ((topic: string) => void) | undefined;
}

function Table({ messages, search: { filter }, now, isStale, onRemove }: TableProps) {
  const { t, i18n } = useTranslation("mqtt");
  const clock = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  // What is retained may not know when it was sent, and by whom.
  const has = {
    at: messages.some(({ at }) => at != null),
    expires: messages.some(({ expires }) => expires != null),
    sender: messages.some(({ client_id: sender }) => sender != null),
  };
  return (
    <table className={`sn-panel ${table["table"] ?? ""} ${classes["list"] ?? ""}`} aria-busy={isStale}>
      <caption className="sn-hidden">{t("retainedList")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("topic")}</th>
          <th scope="col">{t("payload")}</th>
          <th scope="col">{t("bytes")}</th>
          <th scope="col">{t("qos")}</th>
          {has.at && <th scope="col">{t("at")}</th>}
          {has.expires && <th scope="col">{t("expires")}</th>}
          {has.sender && <th scope="col">{t("sender")}</th>}
          {onRemove !== undefined && (
            <th scope="col">
              <span className="sn-hidden">{t("remove")}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {messages.map((message) => {
          const { topic, bytes, qos, at, expires, client_id: sender } = message;
          return (
            <tr key={topic}>
              <th scope="row">
                <Link to="/mqtt" search={{ ...(filter === undefined ? {} : { filter }), topic }} resetScroll={false}>
                  {topic}
                </Link>
              </th>
              <td data-label={t("payload")} className={classes["payload"]}>
                <Preview payload={message} />
              </td>
              <td data-label={t("bytes")}>{spoken(bytes, "bytes")}</td>
              <td data-label={t("qos")}>{qos}</td>
              {has.at && (
                <td data-label={t("at")}>
                  {at == null ? <span className="sn-dim">{t("unknownTime")}</span> : <Moment time={new Date(at)} now={now} />}
                </td>
              )}
              {has.expires && (
                <td data-label={t("expires")}>
                  {expires == null ? (
                    <span className="sn-dim">{t("nothing")}</span>
                  ) : (
                    <time dateTime={expires}>{clock.format(new Date(expires))}</time>
                  )}
                </td>
              )}
              {has.sender && <td data-label={t("sender")}>{sender ?? <span className="sn-dim">{t("nothing")}</span>}</td>}
              {onRemove !== undefined && (
                <td className={table["act"]}>
                  <Button
                    variant="subtle"
                    color="gray"
                    size="compact-sm"
                    aria-label={t("removeNamed", { topic })}
                    onClick={() => {
                      onRemove(topic);
                    }}
                  >
                    {t("remove")}
                  </Button>
                </td>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
