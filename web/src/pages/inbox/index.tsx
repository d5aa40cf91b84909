/** Devices that write with a key for devices and are not known: what they send, and what is to become of them. */
import { Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouteContext, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ApiError, sentenceOf } from "@/api/client";
import { INBOX_KEY, INBOX_MS, inboxQuery, type Newcomer } from "@/api/inbox";
import { isEditor } from "@/api/roles";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { PageHeader } from "@/shell/PageHeader";
import { LONG_MS, toast } from "@/shell/toast";
import { AdoptAs } from "./AdoptAs";
import { Decide, type Decision } from "./Decide";
import { FirstKey } from "./FirstKey";
import classes from "./inbox.module.css";
import { MakeKey } from "./MakeKey";
import { type Act, Newcomers } from "./Newcomers";
import { newestFirst } from "./order";
import { validateSearch } from "./search";
import { useAdoption } from "./useAdoption";

/** The page `/inbox`. */
export default function InboxPage() {
  const { t } = useTranslation("inbox");
  const { device: selected } = validateSearch({ ...useSearch({ from: "/signed-in/inbox" }) });
  const role = useRouteContext({ from: "/signed-in", select: (context) => context.session.user.role });
  const mayChange = isEditor(role);
  const inbox = useQuery({ ...inboxQuery, refetchInterval: INBOX_MS });
  const { onAct, busy, dialogs } = useActs();
  const sorted = newestFirst(inbox.data ?? []);
  const waiting = sorted.filter(({ ignored }) => !ignored);
  const ignored = sorted.filter((newcomer) => newcomer.ignored);
  const isGone = inbox.data !== undefined && selected !== undefined && !sorted.some(({ id }) => id === selected);
  const rest = { now: inbox.dataUpdatedAt, selected, busy, onAct: mayChange ? onAct : undefined };
  return (
    <div className={classes["page"]}>
      <PageHeader title={t("title")} description={t("description")}>
        {mayChange && waiting.length > 0 && <MakeKey isQuiet />}
      </PageHeader>
      <FormFailure error={inbox.error} />
      {isGone && (
        <p className="sn-dim" role="status">
          {t("gone")}
        </p>
      )}
      {inbox.isPending && <Loading />}
      {inbox.data !== undefined && waiting.length === 0 && <FirstKey mayChange={mayChange} />}
      {waiting.length > 0 && (
        <section aria-labelledby="waiting">
          <h2 id="waiting" className="sn-hidden">
            {t("list")}
          </h2>
          <Newcomers label={t("list")} newcomers={waiting} {...rest} />
        </section>
      )}
      {ignored.length > 0 && (
        <section className={classes["section"]} aria-labelledby="ignored">
          <Title order={2} id="ignored">
            {t("ignored")}
          </Title>
          <p className="sn-dim">{t("ignoredWhy")}</p>
          <Newcomers label={t("ignored")} newcomers={ignored} {...rest} />
        </section>
      )}
      {dialogs}
    </div>
  );
}

/** What the buttons do, and the dialogs that some of them open. */
function useActs() {
  const { t } = useTranslation("inbox");
  const client = useQueryClient();
  const [asked, setAsked] = useState<{ newcomer: Newcomer; refusal: Error | null } | null>(null);
  const [decision, setDecision] = useState<Decision>("delete");
  const [adopting, adoptAs] = useDisclosure(false);
  const [deciding, decide] = useDisclosure(false);
  const say = (error: Error, { name }: Newcomer) => {
    void toast(t("failed", { name, error: sentenceOf(error) }), "red", LONG_MS);
  };
  const adopt = useAdoption({
    onError: (error, { newcomer }) => {
      // Most likely a device has the name: the dialog gives it another one, or the place of that device.
      if (error instanceof ApiError && error.status === 409) {
        setAsked({ newcomer, refusal: error });
        adoptAs.open();
      } else say(error, newcomer);
    },
  });
  const hear = useMutation({
    mutationFn: ({ id }: Newcomer) => api.PATCH("/api/v1/inbox/{id}", { params: { path: { id } }, body: { ignored: false } }),
    onSuccess: (_, { name }) => void toast(t("hearDone", { name })),
    onError: say,
    onSettled: () => client.invalidateQueries({ queryKey: [...INBOX_KEY] }),
  });
  const onAct = (act: Act, newcomer: Newcomer) => {
    if (act === "adopt") adopt.mutate({ newcomer, request: {} });
    else if (act === "hear") hear.mutate(newcomer);
    else {
      setAsked({ newcomer, refusal: null });
      if (act === "adoptAs") adoptAs.open();
      else {
        setDecision(act);
        decide.open();
      }
    }
  };
  const busy = adopt.isPending ? adopt.variables.newcomer.id : hear.isPending ? hear.variables.id : undefined;
  const dialogs = asked !== null && (
    <>
      <AdoptAs {...asked} opened={adopting} onClose={adoptAs.close} />
      <Decide newcomer={asked.newcomer} decision={decision} opened={deciding} onClose={decide.close} />
    </>
  );
  return { onAct, busy, dialogs };
}
