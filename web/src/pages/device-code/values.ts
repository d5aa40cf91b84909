/** What is filled in for a template, and what the server makes of it. */
import { ApiError } from "@/api/client";
import type { TemplateVariable } from "@/api/queries";

/** What a field holds. */
export type Value = string | boolean;

/** What all fields hold, by the names of variables. */
export type Values = Readonly<Record<string, Value>>;

/** Variables that mean the same in every template, so that they need not be filled in again. */
const SHARED = ["device", "place", "server", "database", "token", "wifi_ssid", "wifi_password", "ca_certificate"];

/** Where the chosen network of the organisation stands among the values; its id is no secret. */
export const NETWORK = "network";

/** The variables that a network stands in for. */
const WIFI = ["wifi_ssid", "wifi_password"];

/** Whether a network can be filled in. */
export function takesNetwork(variables: readonly TemplateVariable[]): boolean {
  return WIFI.every((wanted) => variables.some(({ name }) => name === wanted));
}

/** What is still to be filled in once a network is chosen. */
export function withoutWifi(variables: readonly TemplateVariable[]): TemplateVariable[] {
  return variables.filter(({ name }) => !WIFI.includes(name));
}

/** The address of this page where a device can reach it; nothing where it is that of this machine alone. */
export function serverAddress(location: Pick<Location, "origin" | "hostname">): string {
  const isLocal = /^(localhost|.*\.localhost|127\.[\d.]+|\[?::1\]?)$/.test(location.hostname);
  return isLocal ? "" : location.origin;
}

/** What the fields of a template hold at first: what was filled in for another one, or the default. */
export function initialValues(variables: readonly TemplateVariable[], before: Values, server: string): Values {
  const chosen = before[NETWORK];
  return Object.fromEntries([
    ...(chosen === undefined || !takesNetwork(variables) ? [] : [[NETWORK, chosen] as const]),
    ...variables.map(({ name, kind, default: standard }): [string, Value] => {
      const kept = SHARED.includes(name) ? before[name] : undefined;
      if (kept !== undefined) return [name, kept];
      if (kind.type === "boolean") return [name, standard === true];
      if (typeof standard === "string" || typeof standard === "number") return [name, String(standard)];
      return [name, kind.type === "url" ? server : ""];
    }),
  ]);
}

/** What is sent: an empty field is left out, so that the default counts; whole numbers are numbers. */
export function variablesOf(variables: readonly TemplateVariable[], values: Values): Record<string, unknown> {
  const sent: Record<string, unknown> = {};
  for (const { name, kind } of variables) {
    const value = values[name];
    if (value === undefined || value === "") continue;
    const isNumber = kind.type === "integer" || kind.type === "port" || kind.type === "duration";
    const number = isNumber && typeof value === "string" && /^\s*-?\d+\s*$/.test(value) ? Number(value) : null;
    // What is no number is sent as it is: the server says what is wrong with it.
    sent[name] = number !== null && Number.isSafeInteger(number) ? number : value;
  }
  return sent;
}

/** A sentence for each field that is filled in wrongly, by its name; empty when the error is about something else. */
export function problemsOf(error: unknown): Record<string, string> {
  const listed = error instanceof ApiError ? error.details["variables"] : undefined;
  if (!Array.isArray(listed)) return {};
  const problems: Record<string, string> = {};
  for (const entry of listed as unknown[]) {
    if (typeof entry !== "object" || entry === null) continue;
    const { variable, problem, allowed } = entry as Record<string, unknown>;
    if (typeof variable !== "string" || typeof problem !== "string") continue;
    const sentence = typeof allowed === "string" && allowed !== "" ? `${problem}; ${allowed}` : problem;
    problems[variable] = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  }
  return problems;
}
