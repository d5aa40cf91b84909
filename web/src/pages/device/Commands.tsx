/** What a device was asked to do, and what it answered; an answer appears when it comes. Editors send. */
import { Button, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, Clock, Hourglass, Send, TimerOff } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type Command, commandsQuery } from "@/api/deviceState";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import classes from "./device.module.css";
import { brief } from "./json";
import { SendCommand } from "./SendCommand";

/** Properties of {@link Commands}. */
export interface CommandsProps {
  device: Device;
  mayChange: boolean;
}

/** The section. */
export function Commands({ device, mayChange }: CommandsProps) {
  const { t } = useTranslation("devices");
  const commands = useQuery(commandsQuery(device.id));
  const [sending, send] = useDisclosure(false);
  return (
    <section className={classes["section"]} aria-labelledby="device-commands">
      <div className={classes["sectionHead"]}>
        <Title order={2} id="device-commands">
          {t("commands")}
        </Title>
        {mayChange && (
          <Button variant="default" leftSection={<Send size={14} aria-hidden />} onClick={send.open}>
            {t("sendCommand")}
          </Button>
        )}
      </div>
      <FormFailure error={commands.error} />
      {commands.isPending && <Loading />}
      {commands.data?.length === 0 && <Text c="dimmed">{t("commandsNone")}</Text>}
      {commands.data !== undefined && commands.data.length > 0 && (
        <CommandTable commands={commands.data} now={commands.dataUpdatedAt} />
      )}
      <SendCommand device={device} opened={sending} onClose={send.close} />
    </section>
  );
}

function CommandTable({ commands, now }: { commands: readonly Command[]; now: number }) {
  const { t } = useTranslation("devices");
  return (
    <table className={`sn-panel ${table["table"] ?? ""}`}>
      <caption className="sn-hidden">{t("commands")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("command")}</th>
          <th scope="col">{t("arguments")}</th>
          <th scope="col">{t("commandStatus")}</th>
          <th scope="col">{t("answer")}</th>
          <th scope="col">{t("askedBy")}</th>
          <th scope="col">{t("asked")}</th>
        </tr>
      </thead>
      <tbody aria-live="polite" aria-relevant="text">
        {commands.map((command) => (
          <tr key={command.id}>
            <th scope="row">{command.name}</th>
            <td data-label={t("arguments")} className={classes["json"]}>
              {Object.keys(command.arguments).length === 0 ? <span className="sn-dim">{t("nothing")}</span> : brief(command.arguments)}
            </td>
            <td data-label={t("commandStatus")}>
              <Status status={command.status} />
            </td>
            <td data-label={t("answer")} className={classes["json"]}>
              {command.answered_at === null ? <span className="sn-dim">{t("noAnswer")}</span> : brief(command.result)}
            </td>
            <td data-label={t("askedBy")}>{command.requested_by ?? t("server")}</td>
            <td data-label={t("asked")}>
              <Moment time={new Date(command.created_at)} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const icons = { queued: Clock, delivered: Hourglass, answered: CircleCheck, failed: CircleX, expired: TimerOff };

function Status({ status }: Pick<Command, "status">) {
  const { t } = useTranslation("devices");
  const Icon = icons[status];
  return (
    <span className={classes["commandStatus"]} data-status={status}>
      <Icon size={14} aria-hidden />
      {t(`command_${status}`)}
    </span>
  );
}
