/** The list of tokens: a table on a desktop, one card per token on a phone. */
import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Token } from "@/api/queries";
import classes from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import { RevokeToken } from "./RevokeToken";

/** Properties of {@link TokenTable}. */
export interface TokenTableProps {
  tokens: readonly Token[];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

/** All tokens. */
export function TokenTable({ tokens, now }: TokenTableProps) {
  const { t } = useTranslation("tokens");
  const [doomed, setDoomed] = useState<Token | null>(null);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <table className={`sn-panel ${classes["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("list")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("secret")}</th>
            <th scope="col">{t("database")}</th>
            <th scope="col">{t("rights")}</th>
            <th scope="col">{t("created")}</th>
            <th scope="col">{t("used")}</th>
            <th scope="col">{t("expires")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("revoke")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <TokenRow
              key={token.id}
              token={token}
              now={now}
              onRevoke={() => {
                setDoomed(token);
                setAsking(true);
              }}
            />
          ))}
        </tbody>
      </table>
      {doomed !== null && (
        <RevokeToken
          token={doomed}
          opened={asking}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}

function TokenRow({ token, now, onRevoke }: { token: Token; now: number; onRevoke: () => void }) {
  const { t, i18n } = useTranslation("tokens");
  const rights = [...(token.can_read ? [t("read")] : []), ...(token.can_write ? [t("write")] : [])];
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <tr>
      <th scope="row">{token.name}</th>
      <td data-label={t("secret")} className="sn-mono">
        {token.hint === "" ? t("unknown") : `${token.hint}…`}
      </td>
      <td data-label={t("database")}>{token.database ?? t("all")}</td>
      <td data-label={t("rights")}>{token.for_devices ? t("forDevices") : rights.length === 0 ? t("none_right") : rights.join(", ")}</td>
      <td data-label={t("created")}>
        <Moment time={new Date(token.created_at)} now={now} />
        {token.created_by != null && <span className="sn-dim"> · {token.created_by}</span>}
      </td>
      <td data-label={t("used")}>
        {token.last_used_at == null ? (
          <span className="sn-dim">{t("never")}</span>
        ) : (
          <Moment time={new Date(token.last_used_at)} now={now} />
        )}
      </td>
      <td data-label={t("expires")}>
        {token.expires_at === null ? (
          <span className="sn-dim">{t("noEnd")}</span>
        ) : (
          <time dateTime={token.expires_at} title={until.format(new Date(token.expires_at))}>
            {Date.parse(token.expires_at) <= now ? t("expired") : until.format(new Date(token.expires_at))}
          </time>
        )}
      </td>
      <td className={classes["act"]}>
        <Button variant="subtle" color="gray" size="compact-sm" aria-label={t("revokeNamed", { name: token.name })} onClick={onRevoke}>
          {t("revoke")}
        </Button>
      </td>
    </tr>
  );
}
