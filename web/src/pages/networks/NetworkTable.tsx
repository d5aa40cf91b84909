/** The list of networks: a table on a desktop, one card per network on a phone; and the dialogs that it opens. */
import { Button } from "@mantine/core";
import { Lock, LockOpen } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Network } from "@/api/queries";
import table from "@/shell/CardTable.module.css";
import { Moment } from "@/shell/Moment";
import { DeleteNetwork } from "./DeleteNetwork";
import { NetworkForm } from "./NetworkForm";
import classes from "./networks.module.css";

/** Properties of {@link NetworkTable}. */
export interface NetworkTableProps {
  networks: readonly Network[];
  /** Milliseconds since the epoch that ages are counted from. */
  now: number;
}

interface Dialog {
  kind: "change" | "delete";
  network: Network;
  /** Each dialog begins anew. */
  number: number;
}

/** All networks. */
export function NetworkTable({ networks, now }: NetworkTableProps) {
  const { t } = useTranslation("networks");
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [opened, setOpened] = useState(false);
  const open = (kind: Dialog["kind"], network: Network) => {
    setDialog({ kind, network, number: (dialog?.number ?? 0) + 1 });
    setOpened(true);
  };
  const close = () => {
    setOpened(false);
  };
  return (
    <>
      <table className={`sn-panel ${table["table"] ?? ""}`}>
        <caption className="sn-hidden">{t("list")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("ssid")}</th>
            <th scope="col">{t("password")}</th>
            <th scope="col">{t("since")}</th>
            <th scope="col">
              <span className="sn-hidden">{t("actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {networks.map((network) => (
            <Row key={network.id} network={network} now={now} onOpen={open} />
          ))}
        </tbody>
      </table>
      {dialog?.kind === "change" && (
        <NetworkForm key={dialog.number} network={dialog.network} opened={opened} onClose={close} />
      )}
      {dialog?.kind === "delete" && (
        <DeleteNetwork key={dialog.number} network={dialog.network} opened={opened} onClose={close} />
      )}
    </>
  );
}

interface RowProps {
  network: Network;
  now: number;
  onOpen: (kind: Dialog["kind"], network: Network) => void;
}

function Row({ network, now, onOpen }: RowProps) {
  const { t } = useTranslation("networks");
  const { name, ssid, has_password, created_at } = network;
  const Icon = has_password ? Lock : LockOpen;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td data-label={t("ssid")} className={`sn-mono ${classes["ssid"] ?? ""}`}>
        {ssid}
      </td>
      <td data-label={t("password")}>
        <span className={classes["kept"]} data-open={!has_password}>
          <Icon size={14} aria-hidden />
          {t(has_password ? "stored" : "open")}
        </span>
      </td>
      <td data-label={t("since")}>
        <Moment time={new Date(created_at)} now={now} />
      </td>
      <td className={table["act"]}>
        {(["change", "delete"] as const).map((kind) => (
          <Button
            key={kind}
            variant="subtle"
            color="gray"
            size="compact-sm"
            aria-label={t(`${kind}Named`, { name })}
            onClick={() => {
              onOpen(kind, network);
            }}
          >
            {t(kind)}
          </Button>
        ))}
      </td>
    </tr>
  );
}
