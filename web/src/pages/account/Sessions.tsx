/** Where one is signed in: a table on a desktop, one card per session on a phone. */
import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body, sentenceOf } from "@/api/client";
import { type OwnSession, ownSessionsQuery } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import { toast } from "@/shell/toast";
import classes from "./account.module.css";
import { agentOf } from "./agent";

/** Properties of {@link Sessions}. */
export interface SessionsProps {
  sessions: readonly OwnSession[];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

/** All sessions. */
export function Sessions({ sessions, now }: SessionsProps) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const settled = {
    onError: (error: Error) => {
      void toast(sentenceOf(error), "red");
    },
    onSettled: () => client.invalidateQueries({ queryKey: ownSessionsQuery.queryKey }),
  };
  const end = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/v1/account/sessions/{id}", { params: { path: { id } } }),
    onSuccess: () => {
      void toast(t("ended"));
    },
    ...settled,
  });
  const endOthers = useMutation({
    mutationFn: async () => body(await api.DELETE("/api/v1/account/sessions")).ended,
    onSuccess: (count) => {
      void toast(t("endedOthers", { count }));
    },
    ...settled,
  });
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("sessions")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("where")}</th>
            <th scope="col">{t("address")}</th>
            <th scope="col">{t("signedIn")}</th>
            <th scope="col">{t("seen")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("end")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <SessionRow
              key={session.id}
              session={session}
              now={now}
              isEnding={end.isPending && end.variables === session.id}
              onEnd={() => {
                end.mutate(session.id);
              }}
            />
          ))}
        </tbody>
      </table>
      {sessions.length > 1 && (
        <div>
          <Button
            variant="default"
            loading={endOthers.isPending}
            onClick={() => {
              endOthers.mutate();
            }}
          >
            {t("endOthers")}
          </Button>
        </div>
      )}
    </>
  );
}

interface SessionRowProps {
  session: OwnSession;
  now: number;
  isEnding: boolean;
  onEnd: () => void;
}

function SessionRow({ session, now, isEnding, onEnd }: SessionRowProps) {
  const { t } = useTranslation("account");
  const text = session.user_agent ?? "";
  const agent = agentOf(text);
  const known = agent?.system == null ? agent?.browser : t("browserOn", { browser: agent.browser, system: agent.system });
  const where = known ?? (text === "" ? t("unknown") : text);
  return (
    <tr>
      <th scope="row" className={table["beside"]}>
        <span title={text}>
          {where}
          {session.is_current && <span className={classes["here"]}>{t("here")}</span>}
        </span>
      </th>
      <td data-label={t("address")} className="sn-mono">
        {session.address ?? t("unknown")}
      </td>
      <td data-label={t("signedIn")}>
        <Moment time={new Date(session.created_at)} now={now} />
      </td>
      <td data-label={t("seen")}>
        <Moment time={new Date(session.last_seen_at)} now={now} />
      </td>
      <td className={`${table["act"] ?? ""} ${table["corner"] ?? ""}`}>
        {!session.is_current && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-sm"
            loading={isEnding}
            aria-label={t("endNamed", { where })}
            onClick={onEnd}
          >
            {t("end")}
          </Button>
        )}
      </td>
    </tr>
  );
}
