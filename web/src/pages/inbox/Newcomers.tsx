/** Devices of the inbox: a table on a desktop, one card per device on a phone. What is kept of one unfolds below it. */
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import type { Newcomer } from "@/api/inbox";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import classes from "./inbox.module.css";
import { Format, Kept } from "./Kept";

/** What can be done with a device. */
export type Act = "adopt" | "adoptAs" | "ignore" | "hear" | "delete";

/** Properties of {@link Newcomers}. */
export interface NewcomersProps {
  label: string;
  newcomers: readonly Newcomer[];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
  /** The one whose messages are shown. */
  selected: string | undefined;
  /** The one that is being adopted, or heard again. */
  busy: string | undefined;
  /** Does something with one; without it, one only looks. */
  onAct: ((act: Act, newcomer: Newcomer) => void) | undefined;
}

/** The list in its order. */
export function Newcomers({ label, newcomers, now, selected, busy, onAct }: NewcomersProps) {
  const { t } = useTranslation("inbox");
  return (
    <table className={`sn-panel ${table["table"] ?? ""} ${classes["newcomers"] ?? ""}`}>
      <caption className="sn-hidden">{label}</caption>
      <thead>
        <tr>
          <th scope="col">{t("name")}</th>
          <th scope="col">{t("format")}</th>
          <th scope="col">{t("database")}</th>
          <th scope="col">{t("address")}</th>
          <th scope="col">{t("firstSeen")}</th>
          <th scope="col">{t("lastSeen")}</th>
          <th scope="col">{t("messages")}</th>
          {onAct !== undefined && (
            <th scope="col">
              <span className="sn-hidden">{t("acts")}</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {newcomers.map((newcomer) => {
          const isShown = newcomer.id === selected;
          return (
            <Fragment key={newcomer.id}>
              <Row newcomer={newcomer} now={now} isShown={isShown} isBusy={newcomer.id === busy} onAct={onAct} />
              {isShown && (
                <tr className={classes["detail"]}>
                  <td id={`kept-${newcomer.id}`} colSpan={onAct === undefined ? 7 : 8}>
                    <Kept id={newcomer.id} />
                  </td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

interface RowProps {
  newcomer: Newcomer;
  now: number;
  isShown: boolean;
  isBusy: boolean;
  onAct: NewcomersProps["onAct"];
}

function Row({ newcomer, now, isShown, isBusy, onAct }: RowProps) {
  const { t, i18n } = useTranslation("inbox");
  const { id, name, format, database, address, first_seen_at, last_seen_at, messages, kept, adopted_as } = newcomer;
  const number = new Intl.NumberFormat(i18n.language);
  const Icon = isShown ? ChevronDown : ChevronRight;
  return (
    <tr data-shown={isShown || undefined}>
      <th scope="row">
        <Link
          to="/inbox"
          search={isShown ? {} : { device: id }}
          replace
          resetScroll={false}
          preload={false}
          aria-expanded={isShown}
          aria-controls={isShown ? `kept-${id}` : undefined}
          className={classes["name"]}
        >
          <Icon size={14} aria-hidden />
          <span>{name}</span>
        </Link>
      </th>
      <td data-label={t("format")}>
        <Format format={format} />
      </td>
      <td data-label={t("database")} className={classes["word"]}>
        {database}
      </td>
      <td data-label={t("address")} className={`sn-mono ${classes["word"] ?? ""}`}>
        {address}
      </td>
      <td data-label={t("firstSeen")}>
        <Moment time={new Date(first_seen_at)} now={now} />
      </td>
      <td data-label={t("lastSeen")}>
        <Moment time={new Date(last_seen_at)} now={now} />
      </td>
      <td data-label={t("messages")}>
        <span>
          {number.format(messages)} <span className="sn-dim">{t("kept", { count: kept })}</span>
        </span>
      </td>
      {onAct !== undefined && (
        <td className={classes["acts"]}>
          {adopted_as === null ? (
            <Acts
              newcomer={newcomer}
              isBusy={isBusy}
              onAct={(act) => {
                onAct(act, newcomer);
              }}
            />
          ) : (
            <Link to="/devices/$id" params={{ id: adopted_as }}>
              {t("isAdopted")}
            </Link>
          )}
        </td>
      )}
    </tr>
  );
}

function Acts({ newcomer: { name, ignored }, isBusy, onAct }: { newcomer: Newcomer; isBusy: boolean; onAct: (act: Act) => void }) {
  const { t } = useTranslation("inbox");
  const button = (act: Act, isQuiet: boolean) => (
    <Button
      variant={isQuiet ? "subtle" : "default"}
      {...(isQuiet ? { color: "gray" } : {})}
      size="compact-sm"
      loading={isBusy && (act === "adopt" || act === "hear")}
      aria-label={t(`${act}Named`, { name })}
      onClick={() => {
        onAct(act);
      }}
    >
      {t(act)}
    </Button>
  );
  return (
    <div>
      {ignored ? (
        button("hear", false)
      ) : (
        <>
          {button("adopt", false)}
          {button("adoptAs", true)}
          {button("ignore", true)}
        </>
      )}
      {button("delete", true)}
    </div>
  );
}
