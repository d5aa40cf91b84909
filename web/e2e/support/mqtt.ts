/** Sends over MQTT as devices do, with mosquitto_pub. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sensorium } from "./sensorium";

/** How a server that also listens to MQTT is started. */
export const LISTEN = ["--mqtt", "127.0.0.1:0"];

/** Where a server listens to MQTT. */
function address(server: Sensorium): { host: string; port: string } {
  const { mqtt } = JSON.parse(readFileSync(join(server.dataDir, "server.json"), "utf8")) as { mqtt?: string };
  const { hostname, port } = new URL(`mqtt://${mqtt ?? ""}`);
  return { host: hostname, port };
}

/** Publishes with QoS 1: when it is done, the server has acknowledged the message. */
export function publish(server: Sensorium, token: string, topic: string, body: string | Buffer): void {
  const { host, port } = address(server);
  // The message comes from standard input, because an argument holds no bytes.
  execFileSync("mosquitto_pub", ["-h", host, "-p", port, "-u", "device", "-P", token, "-q", "1", "-t", topic, "-s"], { input: body });
}
