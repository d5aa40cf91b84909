import { expect, it } from "vitest";
import { ApiError } from "@/api/client";
import type { TemplateVariable } from "@/api/queries";
import { initialValues, problemsOf, serverAddress, takesNetwork, variablesOf, withoutWifi } from "./values";

const variable = (name: string, kind: TemplateVariable["kind"], standard: unknown = null): TemplateVariable => ({
  name,
  label: name,
  help: "",
  kind,
  default: standard,
  required: true,
});
const variables = [
  variable("device", { type: "text", max_characters: 60, multiline: false }),
  variable("server", { type: "url" }),
  variable("pin", { type: "integer", min: 0, max: 48 }, 4),
  variable("sensor", { type: "choice", options: [] }, "DHT22"),
  variable("led", { type: "boolean" }, true),
  variable("port", { type: "port" }),
];

it("begins with defaults, the page's address, and what was filled in for another template", () => {
  const before = { device: "attic", sensor: "light", pin: "12" };
  expect(initialValues(variables, before, "https://sensors.example")).toEqual({
    device: "attic",
    server: "https://sensors.example",
    pin: "4",
    sensor: "DHT22",
    led: true,
    port: "",
  });
});

it("sends numbers as numbers, leaves empty fields out, and what is no number to the server", () => {
  const values = { device: "7", server: "", pin: " 5 ", sensor: "DHT11", led: false, port: "80a", more: "x" };
  expect(variablesOf(variables, values)).toEqual({ device: "7", pin: 5, sensor: "DHT11", led: false, port: "80a" });
  expect(variablesOf(variables, { pin: "99999999999999999999" })).toEqual({ pin: "99999999999999999999" });
});

it.each([
  ["localhost", ""],
  ["127.0.0.1", ""],
  ["[::1]", ""],
  ["sensors.example", "https://here"],
  ["192.168.1.10", "https://here"],
])("offers a device only an address that it can reach: %s", (hostname, address) => {
  expect(serverAddress({ hostname, origin: "https://here" })).toBe(address);
});

it("puts what the server says at the fields", () => {
  const listed = [
    { variable: "pin", problem: "is less than 0", allowed: "it takes a whole number from 0 to 48" },
    { variable: "port", problem: "is not filled in", allowed: "" },
    "nonsense",
  ];
  expect(problemsOf(new ApiError("…", 400, "invalid", { variables: listed }))).toEqual({
    pin: "Is less than 0; it takes a whole number from 0 to 48",
    port: "Is not filled in",
  });
  expect(problemsOf(new ApiError("…", 500, "internal"))).toEqual({});
  expect(problemsOf(null)).toEqual({});
});

it("keeps a chosen network for the next template that joins one", () => {
  const wifi = [variable("wifi_ssid", { type: "wifi_ssid" }), variable("wifi_password", { type: "secret", max_characters: 63 })];
  expect(takesNetwork(variables)).toBe(false);
  expect(takesNetwork([...variables, ...wifi])).toBe(true);
  expect(withoutWifi([...variables, ...wifi])).toEqual(variables);
  expect(initialValues(variables, { network: "1" }, "")).not.toHaveProperty("network");
  expect(initialValues([...variables, ...wifi], { network: "1" }, "")).toMatchObject({ network: "1", wifi_ssid: "" });
  // It is not one of the variables.
  expect(variablesOf(variables, { network: "1" })).toEqual({});
});
