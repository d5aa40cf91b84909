/** Turns what was filled in into a request, and the same request into a curl command. */
import type { Operation } from "./document";

/** What was filled in for one operation. */
export interface Filled {
  /** Values by `<in> <name>`; an empty text is not sent. */
  parameters: Readonly<Record<string, string>>;
  contentType: string;
  body: string;
}

/** A request that is ready to be sent. */
export interface ReadyRequest {
  method: string;
  /** From the root of this server. */
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

/** The first parameter that must be filled in and is not. */
export function missingParameter(operation: Operation, filled: Filled): string | null {
  const missing = operation.parameters.find(
    (parameter) => parameter.required && (filled.parameters[`${parameter.in} ${parameter.name}`] ?? "") === "",
  );
  return missing?.name ?? null;
}

/** Builds the request. */
export function requestOf(operation: Operation, filled: Filled): ReadyRequest {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  let path = operation.path;
  for (const parameter of operation.parameters) {
    const value = filled.parameters[`${parameter.in} ${parameter.name}`] ?? "";
    if (value === "") continue;
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === "query") query.append(parameter.name, value);
    if (parameter.in === "header") headers[parameter.name] = value;
  }
  const hasBody = operation.bodies.length > 0 && filled.body !== "";
  if (hasBody) headers["Content-Type"] = filled.contentType;
  const search = query.toString();
  return {
    method: operation.method,
    url: search === "" ? path : `${path}?${search}`,
    headers,
    body: hasBody ? filled.body : null,
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The request as a command for a POSIX shell. */
export function curlOf(request: ReadyRequest, origin: string, token: string): string {
  const headers = { Authorization: `Bearer ${token}`, ...request.headers };
  return [
    `curl -i ${request.method === "GET" ? "" : `-X ${request.method} `}${quoted(origin + request.url)}`,
    ...Object.entries(headers).map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`),
    ...(request.body === null ? [] : [`  --data-binary ${quoted(request.body)}`]),
  ].join(" \\\n");
}
