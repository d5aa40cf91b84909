/** The clients that are connected, and the sessions of those that are away. */
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { PlugZap, Search, SearchX } from "lucide-react";
import type { SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { type MqttClient, mqttClientsQuery } from "@/api/mqtt";
import table from "@/shell/CardTable.module.css";
import { EmptyState } from "@/shell/EmptyState";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { ClientDrawer } from "./ClientDrawer";
import { Address, Connection, DeviceLink, droppedOf, Since } from "./facts";
import classes from "./mqtt.module.css";
import { Pages } from "./Pages";
import { type MqttSearch, validateSearch } from "./search";

/** Properties of {@link Clients}. */
export interface ClientsProps {
  search: MqttSearch;
  mayChange: boolean;
}

/** The tab. */
export function Clients({ search, mayChange }: ClientsProps) {
  const { t } = useTranslation("mqtt");
  const { q, connected, after } = search;
  const page = useQuery(
    mqttClientsQuery({
      ...(q === undefined ? {} : { search: q }),
      ...(connected === undefined ? {} : { is_connected: connected }),
      ...(after === undefined ? {} : { after }),
    }),
  );
  const { data, isPlaceholderData } = page;
  const isFiltered = q !== undefined || connected !== undefined || after !== undefined;
  return (
    <div className={classes["tab"]}>
      <Filters key={JSON.stringify([q, connected])} search={search} />
      <FormFailure error={page.error} />
      {page.isPending && <Loading />}
      {data?.clients.length === 0 && isFiltered && (
        <EmptyState icon={SearchX} title={t("noClientMatches")} description={t("noClientMatchesWhy")}>
          <Link to="/mqtt" search={{ tab: "clients" }}>
            {t("showAll")}
          </Link>
        </EmptyState>
      )}
      {data?.clients.length === 0 && !isFiltered && (
        <EmptyState icon={PlugZap} title={t("noClients")} description={t("noClientsWhy")} />
      )}
      {data !== undefined && data.clients.length > 0 && (
        <>
          <Table clients={data.clients} search={search} now={page.dataUpdatedAt} isStale={isPlaceholderData} />
          <Pages search={search} next={isPlaceholderData ? null : (data.next ?? null)} />
        </>
      )}
      <ClientDrawer search={search} mayChange={mayChange} />
    </div>
  );
}

function Filters({ search: { q, connected } }: { search: MqttSearch }) {
  const { t } = useTranslation("mqtt");
  const navigate = useNavigate({ from: "/mqtt" });
  const apply = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = data.get("q");
    const wanted = { tab: "clients", q: typeof text === "string" ? text.trim() : "", connected: data.has("connected") };
    void navigate({ search: validateSearch(wanted), resetScroll: false });
  };
  return (
    <form role="search" aria-label={t("clientsForm")} className={classes["filters"]} onSubmit={apply}>
      <TextInput
        name="q"
        label={t("search")}
        description={t("searchHint")}
        maxLength={100}
        defaultValue={q ?? ""}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        leftSection={<Search size={14} aria-hidden />}
      />
      <Checkbox className={classes["check"] ?? ""} name="connected" label={t("connectedOnly")} defaultChecked={connected === true} />
      <div className={classes["buttons"]}>
        <Button type="submit">{t("find")}</Button>
      </div>
    </form>
  );
}

interface TableProps {
  clients: readonly MqttClient[];
  search: MqttSearch;
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  isStale: boolean;
}

function Table({ clients, search, now, isStale }: TableProps) {
  const { t, i18n } = useTranslation("mqtt");
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <table className={`sn-panel ${table["table"] ?? ""} ${classes["list"] ?? ""}`} aria-busy={isStale}>
      <caption className="sn-hidden">{t("clients")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("clientId")}</th>
          <th scope="col">{t("device")}</th>
          <th scope="col">{t("address")}</th>
          <th scope="col">{t("version")}</th>
          <th scope="col">{t("since")}</th>
          <th scope="col">{t("subscriptions")}</th>
          <th scope="col">{t("waiting")}</th>
          <th scope="col">{t("dropped")}</th>
        </tr>
      </thead>
      <tbody>
        {clients.map((client) => (
          <tr key={client.key}>
            <th scope="row">
              <Link to="/mqtt" search={validateSearch({ ...search, client: client.key })} resetScroll={false}>
                {client.client_id === "" ? t("emptyClientId") : client.client_id}
              </Link>
            </th>
            <td data-label={t("device")}>
              <DeviceLink client={client} />
            </td>
            <td data-label={t("address")}>
              <Address client={client} />
            </td>
            <td data-label={t("version")}>{client.version ?? <span className="sn-dim">{t("nothing")}</span>}</td>
            <td data-label={t("since")}>
              <span>
                <Connection isConnected={client.is_connected} /> <Since client={client} now={now} />
              </span>
            </td>
            <td data-label={t("subscriptions")}>{number.format(client.subscriptions)}</td>
            <td data-label={t("waiting")}>{number.format(client.queued)}</td>
            <td data-label={t("dropped")}>{number.format(droppedOf(client))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
