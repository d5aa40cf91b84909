/** Where clients reach the broker, as they are told it. */
import type { MqttListener } from "@/api/mqtt";

/** What of an address of the page matters. */
export interface Here {
  hostname: string;
  protocol: string;
}

const ANYWHERE = /^(0\.0\.0\.0|\[::\])$/;
const PORT = /^(.*):(\d+)$/;

/** Host and port for clients: where the broker listens at all addresses, the host that this page came from. */
function endOf({ address }: Pick<MqttListener, "address">, { hostname }: Here): { host: string; port: string } | null {
  const [, host, port] = PORT.exec(address) ?? [];
  if (host === undefined || port === undefined || address.includes("/")) return null;
  return { host: ANYWHERE.test(host) ? hostname : host, port };
}

/** The address to give to a client. */
export function addressFor(listener: MqttListener, here: Here): string {
  const end = endOf(listener, here);
  if (end === null) return listener.address;
  const { host, port } = end;
  if (listener.transport === "websocket") return `${here.protocol === "https:" ? "wss" : "ws"}://${host}:${port}/mqtt`;
  return `${listener.transport === "tls" ? "mqtts" : "mqtt"}://${host}:${port}`;
}

/** A first message from a shell; null where it takes more than an address. */
export function firstMessage(listeners: readonly MqttListener[], here: Here, token: string): string | null {
  const plain = listeners.find(({ transport }) => transport === "tcp");
  const end = plain === undefined ? null : endOf(plain, here);
  if (end === null) return null;
  // Names with colons are in brackets in addresses alone.
  const host = end.host.replaceAll(/[[\]]/g, "");
  return `mosquitto_pub -h ${host} -p ${end.port} -u hello -P ${token} -q 1 -t test/temperature -m 21.5`;
}
