/** The topic that one looks at: its last message as it was sent, and its last values. */
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { MqttMessage } from "@/api/mqtt";
import { Age, moment, Sparkline, usualGap } from "@/charts";
import { spoken } from "@/charts/format";
import { CodeBlock } from "@/shell/CodeBlock";
import { CopyButton } from "@/shell/CopyButton";
import classes from "./mqtt.module.css";
import { hexOf, indentedJson } from "./payload";
import { EVERY_MS, Preview } from "./TopicRow";
import type { TopicNode, TopicValue } from "./topics";

/** A step between values that is shorter is no gap. */
const LEAST_GAP_MS = 60_000;
const SPARK_WIDTH = 320;
const SPARK_HEIGHT = 40;

/** Properties of {@link Topic}. */
export interface TopicProps {
  /** Undefined before one is chosen. */
  path: string | undefined;
  /** Undefined while nothing came on it or below it. */
  node: TopicNode | undefined;
}

/** The panel. */
export function Topic({ path, node }: TopicProps) {
  const { t } = useTranslation("mqtt");
  if (path === undefined) return <p className="sn-dim">{t("nothingChosen")}</p>;
  return (
    <section className={`sn-panel ${classes["topic"] ?? ""}`} aria-label={t("details", { topic: path })}>
      <div className={classes["topicHead"]}>
        <Title order={2} className="sn-mono">
          {path}
        </Title>
        <CopyButton text={path} label={t("copyTopic")} />
      </div>
      {node?.last == null ? (
        <p className="sn-dim">
          {t("noMessageHere")} {node !== undefined && node.count > 0 && t("below", { count: node.count })}
        </p>
      ) : (
        <div className={classes["halves"]}>
          <LastMessage message={node.last} at={node.values.at(-1)?.at ?? NaN} />
          <Values topic={path} values={node.values} />
        </div>
      )}
    </section>
  );
}

function LastMessage({ message, at }: { message: MqttMessage; at: number }) {
  const { t, i18n } = useTranslation("mqtt");
  const { topic, bytes, text, base64, is_cut: isCut, qos, retain, content_type: type, client_id: sender, expires } = message;
  // The beginning alone of a JSON text is none.
  const shown = bytes === 0 ? "" : text != null ? ((isCut ? null : indentedJson(text)) ?? text) : hexOf(base64 ?? "");
  const clock = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <div className={classes["half"]}>
      <Title order={3}>{t("lastMessage")}</Title>
      <dl className={classes["pairs"]}>
        <Pair name={t("age")}>{Number.isNaN(at) ? t("unknownTime") : <Age time={at} everyMs={EVERY_MS} />}</Pair>
        <Pair name={t("bytes")}>{text == null ? t("binary", { size: spoken(bytes, "bytes") }) : spoken(bytes, "bytes")}</Pair>
        <Pair name={t("qos")}>
          {qos}
          {retain && ` · ${t("isRetained")}`}
        </Pair>
        {type != null && <Pair name={t("contentType")}>{type}</Pair>}
        {sender != null && <Pair name={t("sender")}>{sender}</Pair>}
        {expires != null && <Pair name={t("expires")}>{clock.format(new Date(expires))}</Pair>}
      </dl>
      {isCut && <p className="sn-dim">{t("isCut", { size: spoken(bytes, "bytes") })}</p>}
      {shown === "" ? (
        <p className="sn-dim">{t("emptyPayload")}</p>
      ) : (
        <CodeBlock text={shown} label={t("payloadOf", { topic })} copyLabel={t("copyPayload")} />
      )}
    </div>
  );
}

function Pair({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Values({ topic, values }: { topic: string; values: readonly TopicValue[] }) {
  const { t } = useTranslation("mqtt");
  const numbers = values.filter(({ reading, at }) => reading !== null && !Number.isNaN(at));
  const points = { times: numbers.map(({ at }) => at), values: numbers.map(({ reading }) => reading ?? NaN) };
  return (
    <div className={classes["half"]}>
      <Title order={3}>{t("values")}</Title>
      {numbers.length > 1 && (
        <Sparkline {...points} width={SPARK_WIDTH} height={SPARK_HEIGHT} gapMs={usualGap([points], LEAST_GAP_MS)} />
      )}
      <table className={classes["values"]}>
        <caption className="sn-hidden">{t("valuesOf", { topic })}</caption>
        <thead className="sn-hidden">
          <tr>
            <th scope="col">{t("at")}</th>
            <th scope="col">{t("value")}</th>
          </tr>
        </thead>
        <tbody>
          {values.toReversed().map((value) => (
            <tr key={value.number}>
              <th scope="row">
                {Number.isNaN(value.at) ? (
                  t("unknownTime")
                ) : (
                  <time dateTime={new Date(value.at).toISOString()}>{moment(value.at)}</time>
                )}
              </th>
              <td>
                <Preview payload={{ bytes: value.bytes, text: value.text, base64: null }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
