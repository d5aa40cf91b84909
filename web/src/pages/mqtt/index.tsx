/** The MQTT broker: its numbers, the topics as messages come, its clients, and what is retained. Only editors change anything. */
import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouteContext, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { mqttQuery } from "@/api/mqtt";
import { isEditor } from "@/api/roles";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { Clients } from "./Clients";
import { TopicFeed } from "./feed";
import classes from "./mqtt.module.css";
import { NotListening } from "./NotListening";
import { Retained } from "./Retained";
import { EVERYTHING, TABS, validateSearch } from "./search";
import { Status } from "./Status";
import { Topics } from "./Topics";

/** The page `/mqtt`. */
export default function MqttPage() {
  const { t } = useTranslation("mqtt");
  // The router leaves what is not understood in the search parameters.
  const search = validateSearch({ ...useSearch({ from: "/signed-in/mqtt" }) });
  const navigate = useNavigate({ from: "/mqtt" });
  const mayChange = useRouteContext({ from: "/signed-in", select: ({ session }) => isEditor(session.user.role) });
  const status = useQuery(mqttQuery);
  const feed = useFeed(search.filter ?? EVERYTHING);
  const tab = search.tab ?? TABS[0];
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")} />
      <FormFailure error={status.error} />
      {status.isPending && <Loading />}
      {status.data?.is_listening === false && <NotListening />}
      {status.data?.is_listening === true && (
        <>
          <Status status={status.data} />
          <Tabs
            value={tab}
            keepMounted={false}
            onChange={(next) => {
              // The filter is that of topics and of what is retained; everything else belongs to one tab.
              const { filter } = search;
              void navigate({ search: validateSearch({ tab: next, filter }), resetScroll: false });
            }}
          >
            <Tabs.List aria-label={t("tabs")}>
              {TABS.map((name) => (
                <Tabs.Tab key={name} value={name}>
                  {t(`tab_${name}`)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="topics" pt="md">
              <Topics feed={feed} listeners={status.data.listeners} search={search} mayChange={mayChange} />
            </Tabs.Panel>
            <Tabs.Panel value="clients" pt="md">
              <Clients search={search} mayChange={mayChange} />
            </Tabs.Panel>
            <Tabs.Panel value="retained" pt="md">
              <Retained search={search} mayChange={mayChange} />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </div>
  );
}

/** One for each filter; it stays while another tab is shown. */
function useFeed(filter: string): TopicFeed {
  const [feed, setFeed] = useState(() => new TopicFeed(filter));
  if (feed.filter === filter) return feed;
  const next = new TopicFeed(filter);
  setFeed(next);
  return next;
}
