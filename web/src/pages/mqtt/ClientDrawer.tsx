/** The client that one looks at, at the side: all that is known, its subscriptions, and what editors do about it. */
import { Button, Group, Modal, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Eraser, PowerOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import { type MqttClient, mqttClientQuery, type MqttSubscription } from "@/api/mqtt";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { EndClient, type Ending } from "./EndClient";
import { Address, Connection, DeviceLink, Since } from "./facts";
import classes from "./mqtt.module.css";
import { type MqttSearch, validateSearch } from "./search";
import { Trace } from "./Trace";

/** A session that is kept for so many seconds never ends (MQTT 5.0, section 3.1.2.11.2). */
const FOR_EVER = 0xffff_ffff;

/** Properties of {@link ClientDrawer}. */
export interface ClientDrawerProps {
  search: MqttSearch;
  mayChange: boolean;
}

/** Opened by the address. */
export function ClientDrawer({ search, mayChange }: ClientDrawerProps) {
  const { t } = useTranslation(["mqtt", "common"]);
  const navigate = useNavigate({ from: "/mqtt" });
  const { client: key } = search;
  // It stays what it was while it is closed by and by.
  const [shown, setShown] = useState(key);
  if (key !== undefined && key !== shown) setShown(key);
  const { data, error, isPending, dataUpdatedAt } = useQuery({ ...mqttClientQuery(shown ?? ""), enabled: key !== undefined });
  const [asked, setAsked] = useState<{ client: MqttClient; ending: Ending } | null>(null);
  const [asking, ask] = useDisclosure(false);
  const isGone = error instanceof ApiError && error.status === 404;
  const close = () => {
    void navigate({ search: validateSearch({ ...search, client: undefined }), replace: true, resetScroll: false });
  };
  const end = (ending: Ending, icon: ReactNode) => (
    <Button
      variant="default"
      leftSection={icon}
      onClick={() => {
        if (data === undefined) return;
        setAsked({ client: data.client, ending });
        ask.open();
      }}
    >
      {t(ending)}
    </Button>
  );
  return (
    <>
      <Modal
        opened={key !== undefined}
        onClose={close}
        // At the side, as high as the window.
        classNames={{ inner: classes["side"] ?? "", content: classes["drawer"] ?? "" }}
        radius={0}
        xOffset={0}
        yOffset={0}
        transitionProps={{ transition: "slide-left" }}
        title={t("clientTitle", { name: data?.client.client_id ?? "" })}
        closeButtonProps={{ "aria-label": t("common:close") }}
        // The dialog that asks is in front of it, and has the keys.
        closeOnEscape={!asking}
        trapFocus={!asking}
      >
        {isGone ? <p className="sn-dim">{t("clientGone")}</p> : <FormFailure error={error} />}
        {isPending && <Loading />}
        {data !== undefined && !isGone && (
          <Stack gap="lg">
            <Facts client={data.client} now={dataUpdatedAt} />
            {mayChange && (
              <Group gap="sm">
                {data.client.is_connected && end("disconnect", <PowerOff size={16} aria-hidden />)}
                {end("end", <Eraser size={16} aria-hidden />)}
              </Group>
            )}
            <Trace client={data.client.key} mayChange={mayChange} />
            <Subscriptions name={data.client.client_id} subscriptions={data.subscriptions} />
          </Stack>
        )}
      </Modal>
      {asked !== null && <EndClient {...asked} opened={asking} onClose={ask.close} onGone={close} />}
    </>
  );
}

function Facts({ client, now }: { client: MqttClient; now: number }) {
  const { t, i18n } = useTranslation("mqtt");
  const number = new Intl.NumberFormat(i18n.language);
  const { login, version, keep_alive_seconds: keepAlive, session_expiry_seconds: expiry, queued, inflight } = client;
  return (
    <dl className={classes["pairs"]}>
      <Fact name={t("since")}>
        <Connection isConnected={client.is_connected} /> <Since client={client} now={now} />
      </Fact>
      <Fact name={t("device")}>
        <DeviceLink client={client} />
      </Fact>
      {login != null && <Fact name={t("login")}>{login}</Fact>}
      <Fact name={t("address")}>
        <Address client={client} />
      </Fact>
      {version != null && <Fact name={t("version")}>{t("versionOf", { version })}</Fact>}
      {keepAlive != null && (
        <Fact name={t("keepAlive")}>{keepAlive === 0 ? t("noKeepAlive") : t("seconds", { count: keepAlive })}</Fact>
      )}
      <Fact name={t("sessionExpiry")}>
        {expiry === 0 ? t("sessionEnds") : expiry >= FOR_EVER ? t("sessionForEver") : t("seconds", { count: expiry })}
      </Fact>
      <Fact name={t("waiting")}>{number.format(queued)}</Fact>
      <Fact name={t("underWay")}>{number.format(inflight)}</Fact>
      <Fact name={t("droppedQos0")}>{number.format(client.dropped_qos0)}</Fact>
      <Fact name={t("droppedOldest")}>{number.format(client.dropped_oldest)}</Fact>
      <Fact name={t("expiredMessages")}>{number.format(client.expired_messages)}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Subscriptions({ name, subscriptions }: { name: string; subscriptions: readonly MqttSubscription[] }) {
  const { t } = useTranslation("mqtt");
  return (
    <section className={classes["half"]} aria-label={t("subscriptionsOf", { name })}>
      <Title order={3}>{t("subscriptions")}</Title>
      {subscriptions.length === 0 ? (
        <p className="sn-dim">{t("noSubscriptions")}</p>
      ) : (
        <table className={classes["values"]}>
          <caption className="sn-hidden">{t("subscriptionsOf", { name })}</caption>
          <thead className="sn-hidden">
            <tr>
              <th scope="col">{t("filter")}</th>
              <th scope="col">{t("options")}</th>
            </tr>
          </thead>
          <tbody>
            {subscriptions.map((subscription) => (
              <tr key={subscription.filter}>
                <th scope="row" className="sn-mono">
                  {subscription.filter}
                </th>
                <td>
                  <Options subscription={subscription} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Options({ subscription }: { subscription: MqttSubscription }) {
  const { t } = useTranslation("mqtt");
  const { qos, no_local: noLocal, retain_as_published: asPublished, retain_handling: handling, subscription_id: id } = subscription;
  const words = [
    t("qosOf", { qos }),
    ...(noLocal ? [t("noLocal")] : []),
    ...(asPublished ? [t("retainAsPublished")] : []),
    ...(handling === 1 || handling === 2 ? [t(`retainHandling_${handling}`)] : []),
    ...(id == null ? [] : [t("subscriptionId", { id })]),
  ];
  return words.join(" · ");
}
