/** The pre-shared keys and client certificates of a device: add one, whose key is shown once, and revoke. For editors. */
import { Button, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { FileBadge, FileKey } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type DeviceCredential, deviceCredentialsQuery } from "@/api/credentials";
import type { Device } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { FormFailure } from "@/shell/FormFailure";
import { Loading } from "@/shell/Loading";
import { Moment } from "@/shell/Moment";
import { AddCertificate } from "./AddCertificate";
import classes from "./device.module.css";
import { endOf, identityOf } from "./identity";
import { MakeKey } from "./MakeKey";
import { RevokeCredential } from "./RevokeCredential";

/** The section. */
export function Credentials({ device }: { device: Device }) {
  const { t } = useTranslation("devices");
  const credentials = useQuery(deviceCredentialsQuery(device.id));
  const [making, make] = useDisclosure(false);
  const [adding, add] = useDisclosure(false);
  return (
    <section className={classes["section"]} aria-labelledby="device-credentials">
      <div className={classes["sectionHead"]}>
        <Title order={2} id="device-credentials">
          {t("credentials")}
        </Title>
        <div className={classes["acts"]}>
          <Button variant="default" leftSection={<FileBadge size={14} aria-hidden />} onClick={add.open}>
            {t("addCertificate")}
          </Button>
          <Button variant="default" leftSection={<FileKey size={14} aria-hidden />} onClick={make.open}>
            {t("newKey")}
          </Button>
        </div>
      </div>
      <Text c="dimmed">{t("credentialsWhy")}</Text>
      <FormFailure error={credentials.error} />
      {credentials.isPending && <Loading />}
      {credentials.data?.length === 0 && <Text>{t("credentialsNone")}</Text>}
      {credentials.data !== undefined && credentials.data.length > 0 && (
        <CredentialTable device={device} credentials={credentials.data} now={credentials.dataUpdatedAt} />
      )}
      <AddCertificate device={device} opened={adding} onClose={add.close} />
      <MakeKey device={device} opened={making} onClose={make.close} />
    </section>
  );
}

interface CredentialTableProps {
  device: Device;
  credentials: readonly DeviceCredential[];
  now: number;
}

function CredentialTable({ device, credentials, now }: CredentialTableProps) {
  const { t } = useTranslation("devices");
  const [doomed, setDoomed] = useState<DeviceCredential | null>(null);
  const [asking, ask] = useDisclosure(false);
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("credentialList")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("tokenName")}</th>
            <th scope="col">{t("credentialKind")}</th>
            <th scope="col">{t("credentialIdentity")}</th>
            <th scope="col">{t("tokenExpires")}</th>
            <th scope="col">{t("used")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("revoke")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {credentials.map((credential) => (
            <tr key={credential.id}>
              <th scope="row">{credential.label}</th>
              <td data-label={t("credentialKind")}>{t(`credentialKind_${credential.kind}`)}</td>
              <td data-label={t("credentialIdentity")}>
                <span className={classes["identity"]}>
                  <span className="sn-mono">{identityOf(credential)}</span>
                  {credential.subject !== null && <span className="sn-dim">{credential.subject}</span>}
                </span>
              </td>
              <td data-label={t("tokenExpires")}>
                <End credential={credential} />
              </td>
              <td data-label={t("used")}>
                {credential.last_used_at === null ? (
                  <span className="sn-dim">{t("never")}</span>
                ) : (
                  <Moment time={new Date(credential.last_used_at)} now={now} />
                )}
              </td>
              <td className={table["act"]}>
                <Button
                  variant="subtle"
                  color="gray"
                  size="compact-sm"
                  aria-label={t("revokeNamed", { name: credential.label })}
                  onClick={() => {
                    setDoomed(credential);
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
      {doomed !== null && <RevokeCredential device={device} credential={doomed} opened={asking} onClose={ask.close} />}
    </>
  );
}

function End({ credential }: { credential: DeviceCredential }) {
  const { t, i18n } = useTranslation("devices");
  const end = endOf(credential);
  if (end === null) return <span className="sn-dim">{t("noEnd")}</span>;
  const until = new Intl.DateTimeFormat(i18n.language, { dateStyle: "medium", timeStyle: "short" });
  return <time dateTime={end.toISOString()}>{until.format(end)}</time>;
}
