/** A template as it is written: what the fields hold, and what is sent of them. */
import type { TemplateVariable } from "@/api/queries";
import type { TemplateRequest, WholeTemplate } from "@/api/submissions";

/** Kinds of variables, the most frequent first. */
export const KINDS = [
  "text",
  "secret",
  "integer",
  "boolean",
  "choice",
  "host",
  "port",
  "url",
  "wifi_ssid",
  "duration",
] as const satisfies readonly TemplateVariable["kind"]["type"][];

/** Languages of templates. */
export const LANGUAGES = [
  "cpp",
  "micropython",
  "python",
  "yaml",
  "rust",
  "shell",
  "json",
  "tasmota",
  "text",
] as const satisfies readonly TemplateRequest["language"][];

/** A variable as its fields hold it. */
export interface VariableDraft {
  /** Tells it from the others while its name changes. */
  key: number;
  name: string;
  label: string;
  help: string;
  type: TemplateVariable["kind"]["type"];
  required: boolean;
  standard: string;
  maxCharacters: string;
  multiline: boolean;
  /** The least and the most of a number or of seconds. */
  min: string;
  max: string;
  /** A line for each: the value, and after `=` what the form shows. */
  options: string;
}

/** A file as its fields hold it. */
export interface FileDraft {
  key: number;
  name: string;
  body: string;
}

/** All of it. */
export interface Draft {
  id: string;
  title: string;
  hardware: string;
  language: TemplateRequest["language"];
  description: string;
  variables: VariableDraft[];
  files: FileDraft[];
}

let keys = 0;
const nextKey = () => (keys += 1);

/** A variable with nothing in it. */
export function emptyVariable(): VariableDraft {
  return {
    key: nextKey(),
    name: "",
    label: "",
    help: "",
    type: "text",
    required: true,
    standard: "",
    maxCharacters: "40",
    multiline: false,
    min: "0",
    max: "100",
    options: "",
  };
}

/** A file with nothing in it. */
export function emptyFile(name = ""): FileDraft {
  return { key: nextKey(), name, body: "" };
}

/** Where one begins: with nothing, or with another version or template. A template that comes with Sensorium keeps its id. */
export function draftOf(base?: WholeTemplate): Draft {
  if (base === undefined) {
    return { id: "", title: "", hardware: "", language: "micropython", description: "", variables: [], files: [emptyFile("main.py")] };
  }
  const { id, title, hardware, language, description, variables, sources, shipped } = base;
  return {
    id: shipped ? "" : id,
    title,
    hardware,
    language,
    description,
    variables: variables.map(draftOfVariable),
    files: sources.map(({ name, body }) => ({ key: nextKey(), name, body })),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function word(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The fields of a variable, also of one that somebody wrote as JSON; what is not understood is left out. */
export function draftOfVariable(given: unknown): VariableDraft {
  const { name, label, help, kind: given_kind, default: standard, required } = record(given);
  const kind = record(given_kind);
  const empty = emptyVariable();
  const options = Array.isArray(kind["options"]) ? (kind["options"] as unknown[]).map(record) : [];
  return {
    ...empty,
    name: word(name),
    label: word(label),
    help: word(help),
    type: KINDS.find((known) => known === kind["type"]) ?? "text",
    required: required === true,
    standard: word(standard),
    maxCharacters: word(kind["max_characters"] ?? empty.maxCharacters),
    multiline: kind["multiline"] === true,
    min: word(kind["min"] ?? kind["min_seconds"] ?? empty.min),
    max: word(kind["max"] ?? kind["max_seconds"] ?? empty.max),
    options: options.map(({ value, label: shown }) => (value === shown ? word(value) : `${word(value)} = ${word(shown)}`)).join("\n"),
  };
}

const WHOLE = /^\s*-?\d+\s*$/;

function whole(text: string): number | null {
  return WHOLE.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

/** Which numbers of a variable are none. */
export function wrongNumbers({ type, maxCharacters, min, max }: VariableDraft): ("maxCharacters" | "min" | "max")[] {
  const isBounded = type === "integer" || type === "duration";
  const asked = type === "text" || type === "secret" ? (["maxCharacters"] as const) : isBounded ? (["min", "max"] as const) : [];
  const texts = { maxCharacters, min, max };
  return asked.filter((name) => {
    const number = whole(texts[name]);
    return number === null || (type !== "integer" && number < 0);
  });
}

function kindOf(draft: VariableDraft): TemplateVariable["kind"] {
  const { type } = draft;
  const [most, min, max] = [draft.maxCharacters, draft.min, draft.max].map((text) => whole(text) ?? 0) as [number, number, number];
  switch (type) {
    case "text":
      return { type, max_characters: most, multiline: draft.multiline };
    case "secret":
      return { type, max_characters: most };
    case "integer":
      return { type, min, max };
    case "duration":
      return { type, min_seconds: min, max_seconds: max };
    case "choice": {
      const lines = draft.options.split("\n").filter((line) => line.trim() !== "");
      const options = lines.map((line) => {
        const [value = "", ...label] = line.split("=");
        return { value: value.trim(), label: label.length === 0 ? value.trim() : label.join("=").trim() };
      });
      return { type, options };
    }
    default:
      return { type };
  }
}

/** What is sent of a variable. */
export function variableOf(draft: VariableDraft): TemplateVariable {
  const { name, label, help, type, required, standard } = draft;
  const isNumber = type === "integer" || type === "port" || type === "duration";
  const text = standard.trim() === "" ? null : standard;
  const value = text === null ? null : isNumber ? (whole(text) ?? text) : type === "boolean" ? text === "true" : text;
  return { name: name.trim(), label: label.trim(), help: help.trim(), kind: kindOf(draft), default: value, required };
}

/** What is sent of all; `variables` when they were written as JSON. */
export function requestOf(draft: Draft, variables?: readonly unknown[]): TemplateRequest {
  const { id, title, hardware, language, description, files } = draft;
  return {
    id: id.trim(),
    title: title.trim(),
    hardware: hardware.trim(),
    language,
    description: description.trim(),
    // The server says what is wrong with those that somebody wrote.
    variables: (variables as TemplateVariable[] | undefined) ?? draft.variables.map(variableOf),
    files: files.map(({ name, body }) => ({ name: name.trim(), body })),
  };
}

/** Variables as JSON to edit. */
export function jsonOf(variables: readonly VariableDraft[]): string {
  return JSON.stringify(variables.map(variableOf), null, 2);
}

/** The list that a text of JSON holds, or what is wrong with it. */
export function listIn(text: string): { list: unknown[] } | { problem: string | null } {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? { list: value as unknown[] } : { problem: null };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : "" };
  }
}
