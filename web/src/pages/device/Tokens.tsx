/** The API tokens of a device: make one, whose secret is shown once, and revoke. For editors. */
import { Button, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { KeyRound, QrCode } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Device, deviceTokensQuery, type Token } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import classes from "./device.module.css";
import { ClaimLink } from "./ClaimLink";
import { MakeDeviceToken } from "./MakeDeviceToken";
import { RevokeDeviceToken } from "./RevokeDeviceToken";

/** The section. */
export function Tokens({ device }: { device: Device }) {
  const { t } = useTranslation("devices");
  const tokens = useQuery(deviceTokensQuery(device.id));
  const [making, make] = useDisclosure(false);
  const [claiming, claim] = useDisclosure(false);
  return (
    <section className={classes["section"]} aria-labelledby="device-tokens">
      <div className={classes["sectionHead"]}>
        <Title order={2} id="device-tokens">
          {t("tokens")}
        </Title>
        <div className={classes["acts"]}>
          <Button variant="default" leftSection={<QrCode size={14} aria-hidden />} onClick={claim.open}>
            {t("claim")}
          </Button>
          <Button variant="default" leftSection={<KeyRound size={14} aria-hidden />} onClick={make.open}>
            {t("newToken")}
          </Button>
        </div>
      </div>
      <Text c="dimmed">{t("tokensWhy")}</Text>
      <FormFailure error={tokens.error} />
      {tokens.isPending && <Loading />}
      {tokens.data?.length === 0 && <Text>{t("tokensNone")}</Text>}
      {tokens.data !== undefined && tokens.data.length > 0 && (
        <TokenTable device={device} tokens={tokens.data} now={tokens.dataUpdatedAt} />
      )}
      <ClaimLink device={device} opened={claiming} onClose={claim.close} />
      <MakeDeviceToken device={device} opened={making} onClose={make.close} />
    </section>
  );
}

function TokenTable({ device, tokens, now }: { device: Device; tokens: readonly Token[]; now: number }) {
  const { t, i18n } = useTranslation("devices");
  const [doomed, setDoomed] = useState<Token | null>(null);
  const [asking, ask] = useDisclosure(false);
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("tokenList")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("tokenName")}</th>
            <th scope="col">{t("hint")}</th>
            <th scope="col">{t("tokenDatabase")}</th>
            <th scope="col">{t("tokenExpires")}</th>
            <th scope="col">{t("used")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("revoke")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td data-label={t("hint")} className="sn-mono">
                {token.hint === "" ? t("unknown") : `${token.hint}…`}
              </td>
              <td data-label={t("tokenDatabase")}>{token.database ?? t("allDatabases")}</td>
              <td data-label={t("tokenExpires")}>
                {token.expires_at === null ? (
                  <span className="sn-dim">{t("noEnd")}</span>
                ) : (
                  <time dateTime={token.expires_at}>{until.format(new Date(token.expires_at))}</time>
                )}
              </td>
              <td data-label={t("used")}>
                {token.last_used_at === null ? (
                  <span className="sn-dim">{t("never")}</span>
                ) : (
                  <Moment time={new Date(token.last_used_at)} now={now} />
                )}
              </td>
              <td className={table["act"]}>
                <Button
                  variant="subtle"
                  color="gray"
                  size="compact-sm"
                  aria-label={t("revokeNamed", { name: token.name })}
                  onClick={() => {
                    setDoomed(token);
                    ask.open();
                  }}
                >
                  {t("revoke")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {doomed !== null && <RevokeDeviceToken device={device} token={doomed} opened={asking} onClose={ask.close} />}
    </>
  );
}
