/** The topics as messages come: the tree, the topic that one looks at, and publishing. */
import { Button, Group } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { CircleAlert, CirclePlay, Pause, PowerOff, Radio, SearchX } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { MqttListener } from "@/api/mqtt";
import { CodeBlock } from "@/shell/CodeBlock";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import type { FeedView, TopicFeed } from "./feed";
import { FilterForm } from "./FilterForm";
import { firstMessage } from "./listen";
import classes from "./mqtt.module.css";
import { Publish } from "./Publish";
import { FIRST, rowsOf, turned } from "./rows";
import { type MqttSearch, validateSearch } from "./search";
import { Topic } from "./Topic";
import { TopicTreeView } from "./TopicTreeView";

/** Properties of {@link Topics}. */
export interface TopicsProps {
  feed: TopicFeed;
  listeners: readonly MqttListener[];
  search: MqttSearch;
  mayChange: boolean;
}

/** The tab. */
export function Topics({ feed, listeners, search, mayChange }: TopicsProps) {
  const navigate = useNavigate({ from: "/mqtt" });
  useEffect(() => feed.start(), [feed]);
  const view = useSyncExternalStore(feed.subscribe, feed.view);
  const [opened, setOpened] = useState(FIRST);
  // A view is new when the tree in it is another.
  const rows = useMemo(() => rowsOf(view.tree, opened), [view, opened]);
  const { filter, topic } = search;
  return (
    <div className={classes["tab"]}>
      <FilterForm key={filter} search={search} />
      <Course feed={feed} view={view} search={search} />
      {rows.length === 0 && <Nothing view={view} listeners={listeners} isFiltered={filter !== undefined} />}
      {rows.length > 0 && (
        <TopicTreeView
          rows={rows}
          selected={topic}
          onTurn={(path) => {
            setOpened(turned(opened, path));
          }}
          onTurnAll={(all) => {
            setOpened({ all, except: new Set() });
          }}
          onSelect={(path) => {
            void navigate({ search: validateSearch({ filter, topic: path }), replace: true, resetScroll: false });
          }}
        />
      )}
      {(rows.length > 0 || topic !== undefined) && <Topic path={topic} node={topic === undefined ? undefined : view.tree.find(topic)} />}
      {mayChange && <Publish selected={topic} />}
    </div>
  );
}

/** How it goes: whether messages come, what was left out, and the button that holds them. */
function Course({ feed, view, search }: { feed: TopicFeed; view: FeedView; search: MqttSearch }) {
  const { t } = useTranslation("mqtt");
  const { tree, state, error, isHeld, held, missed } = view;
  const Icon = isHeld ? Pause : state === "lost" ? PowerOff : Radio;
  const narrower = tree.leftOut > 0 ? tree.narrower() : null;
  return (
    <>
      <FormFailure error={error} />
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={isHeld ? <CirclePlay size={16} aria-hidden /> : <Pause size={16} aria-hidden />}
          onClick={() => {
            feed.hold(!isHeld);
          }}
        >
          {t(isHeld ? "resume" : "pause")}
        </Button>
        <span className={classes["state"]} data-state={isHeld ? "held" : state}>
          <Icon size={14} aria-hidden />
          {isHeld ? t("held", { count: held }) : t(`state_${state}`)}
        </span>
      </Group>
      {missed > 0 && <Notice text={t("missed", { count: missed })} />}
      <div role="status" className={classes["place"]}>
        {tree.leftOut > 0 && (
          <Notice text={t("full", { limit: tree.limit })}>
            {narrower !== null && (
              <Link to="/mqtt" search={validateSearch({ ...search, topic: undefined, filter: narrower })} resetScroll={false}>
                {t("narrower", { filter: narrower })}
              </Link>
            )}
          </Notice>
        )}
      </div>
    </>
  );
}

function Notice({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <p className={classes["notice"]}>
      <CircleAlert size={16} aria-hidden />
      <span>
        {text} {children}
      </span>
    </p>
  );
}

function Nothing({ view, listeners, isFiltered }: { view: FeedView; listeners: readonly MqttListener[]; isFiltered: boolean }) {
  const { t } = useTranslation("mqtt");
  if (!view.isComplete) return view.error === null ? <Loading /> : null;
  if (isFiltered) {
    return (
      <EmptyState icon={SearchX} title={t("nothingYet")} description={t("nothingMatchesWhy")}>
        <Link to="/mqtt">{t("clear")}</Link>
      </EmptyState>
    );
  }
  const command = firstMessage(listeners, globalThis.location, t("token"));
  return (
    <>
      <EmptyState icon={Radio} title={t("nothingYet")} description={t("nothingYetWhy")}>
        <Link to="/tokens">{t("makeToken")}</Link>
      </EmptyState>
      {command !== null && <CodeBlock text={command} label={t("firstCode")} copyLabel={t("firstCopy")} />}
    </>
  );
}
