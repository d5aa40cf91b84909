/** Clients of MQTT that others wrote: `mosquitto_pub` and `mosquitto_sub`, which are part of Debian's mosquitto-clients. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { afterAll } from "vitest";

const run = promisify(execFile);
const running: Subscriber[] = [];
afterAll(async () => {
  for (const subscriber of running) await subscriber.stop();
});

/** Where the broker is, and what lets in. */
export interface Broker {
  /** Such as `127.0.0.1:1883`. */
  address: string;
  /** An API token. */
  password: string;
}

function to({ address, password }: Broker): string[] {
  const at = address.lastIndexOf(":");
  return ["-V", "mqttv5", "-h", address.slice(0, at), "-p", address.slice(at + 1), "-u", "e2e", "-P", password];
}

/** Publishes with QoS 1, so that it is done when this resolves. */
export async function publish(broker: Broker, topic: string, payload: string, ...more: string[]): Promise<void> {
  await run("mosquitto_pub", [...to(broker), "-q", "1", "-t", topic, ...(payload === "" ? ["-n"] : ["-m", payload]), ...more]);
}

/** Somebody who subscribes. */
export interface Subscriber {
  /** Leaves; its session stays. */
  stop: () => Promise<void>;
}

/** Subscribes with a session that stays for an hour; leaves after the tests of the file. */
export function subscribe(broker: Broker, clientId: string, filter: string): Subscriber {
  const session = ["-i", clientId, "-c", "-x", "3600"];
  const child = spawn("mosquitto_sub", [...to(broker), ...session, "-q", "1", "-t", filter], { stdio: "ignore" });
  const ended = once(child, "exit");
  const subscriber = {
    async stop() {
      child.kill();
      await ended;
    },
  };
  running.push(subscriber);
  return subscriber;
}
