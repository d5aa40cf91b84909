import { expect, it } from "vitest";
import { addressFor, firstMessage } from "./listen";

const here = { hostname: "greenhouse.local", protocol: "https:" };

it.each([
  ["0.0.0.0:1883", "tcp", "mqtt://greenhouse.local:1883"],
  ["[::]:8883", "tls", "mqtts://greenhouse.local:8883"],
  ["127.0.0.1:40123", "tcp", "mqtt://127.0.0.1:40123"],
  ["0.0.0.0:8086", "websocket", "wss://greenhouse.local:8086/mqtt"],
  ["wss://elsewhere:443/mqtt", "websocket", "wss://elsewhere:443/mqtt"],
] as const)("%s over %s is %s to clients", (address, transport, told) => {
  expect(addressFor({ address, transport }, here)).toBe(told);
});

it("shows how to send a first message where a password may go without TLS", () => {
  const tls = { address: "0.0.0.0:8883", transport: "tls" } as const;
  expect(firstMessage([tls, { address: "[::1]:1883", transport: "tcp" }], here, "TOKEN")).toBe(
    "mosquitto_pub -h ::1 -p 1883 -u hello -P TOKEN -q 1 -t test/temperature -m 21.5",
  );
  expect(firstMessage([tls], here, "TOKEN")).toBeNull();
});
