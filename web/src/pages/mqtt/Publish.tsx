/** Publishes a message as the person that is signed in. */
import { Button, Checkbox, NativeSelect, Textarea, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Megaphone } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "@/api/client";
import { MQTT_KEY } from "@/api/mqtt";
import { FormFailure } from "@/shell/FormFailure";
import { wrongTopic } from "./filter";
import classes from "./mqtt.module.css";

const QOS = [0, 1, 2] as const;
const MAX_TOPIC = 1_024;

interface Wanted {
  topic: string;
  payload: string;
  qos: (typeof QOS)[number];
  retain: boolean;
}

/** The form; its topic is the one that is looked at until another one is typed. */
export function Publish({ selected }: { selected: string | undefined }) {
  const { t } = useTranslation("mqtt");
  const client = useQueryClient();
  const [typed, setTyped] = useState<{ beside: string | undefined; topic: string } | null>(null);
  const [{ payload, qos, retain }, setRest] = useState<Omit<Wanted, "topic">>({ payload: "", qos: 0, retain: false });
  const [wrong, setWrong] = useState<ReturnType<typeof wrongTopic>>(null);
  const topic = typed !== null && typed.beside === selected ? typed.topic : (selected ?? "");
  const publish = useMutation({
    mutationFn: async (wanted: Wanted) => body(await api.POST("/api/v1/mqtt/publish", { body: wanted })),
    onSuccess: () => client.invalidateQueries({ queryKey: MQTT_KEY }),
  });
  const send = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const found = wrongTopic(topic);
    setWrong(found);
    if (found === null) publish.mutate({ topic, payload, qos, retain });
  };
  return (
    <section className={`sn-panel ${classes["publish"] ?? ""}`} aria-labelledby="publish">
      <Title order={2} id="publish">
        {t("publish")}
      </Title>
      <form noValidate onSubmit={send} className={classes["publishForm"]}>
        <TextInput
          label={t("topic")}
          error={wrong === null ? undefined : t(wrong)}
          maxLength={MAX_TOPIC}
          value={topic}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => {
            setTyped({ beside: selected, topic: event.currentTarget.value });
          }}
        />
        <Textarea
          label={t("publishPayload")}
          description={retain && payload === "" ? t("retainEmpty") : undefined}
          value={payload}
          rows={3}
          resize="vertical"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          classNames={{ input: "sn-mono" }}
          onChange={(event) => {
            setRest({ payload: event.currentTarget.value, qos, retain });
          }}
        />
        <div className={classes["choices"]}>
          <NativeSelect
            label={t("qos")}
            value={String(qos)}
            data={QOS.map((value) => ({ value: String(value), label: t(`qos_${value}`) }))}
            onChange={(event) => {
              const chosen = QOS.find((value) => String(value) === event.currentTarget.value) ?? 0;
              setRest({ payload, qos: chosen, retain });
            }}
          />
          <Checkbox
            label={t("retain")}
            checked={retain}
            onChange={(event) => {
              setRest({ payload, qos, retain: event.currentTarget.checked });
            }}
          />
          <Button type="submit" leftSection={<Megaphone size={16} aria-hidden />} loading={publish.isPending}>
            {t("publish")}
          </Button>
        </div>
      </form>
      <FormFailure error={publish.error} />
      <p role="status" className={classes["place"]}>
        {publish.data !== undefined &&
          `${t("published", { topic: publish.variables.topic, count: publish.data.receivers })} ${t(publish.data.stored ? "publishedStored" : "publishedNotStored")}`}
      </p>
    </section>
  );
}
