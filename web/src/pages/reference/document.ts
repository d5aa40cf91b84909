/**
 * Reads an OpenAPI 3.1 document into the list of operations that the page shows.
 *
 * Limits: local references (`#/components/…`) only; what is not understood is left out, never an error, so that
 * a newer server's document still opens.
 */

/** A JSON schema as far as examples need it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  examples?: unknown[];
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  description?: string;
}

/** One parameter of an operation. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header" | "cookie";
  required: boolean;
  description: string;
  schema: Schema;
}

/** One kind of body that an operation takes. */
export interface Body {
  contentType: string;
  /** A body to start from. */
  example: string;
}

/** One operation. */
export interface Operation {
  /** Unique, and stable enough for an address: `post /api/v1/tokens`. */
  id: string;
  method: string;
  path: string;
  group: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  bodies: Body[];
  answers: { status: string; description: string; contentTypes: string[] }[];
}

type Json = Record<string, unknown>;

const methods = ["get", "post", "put", "patch", "delete"] as const;

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function record(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Follows a local reference; an unknown one gives an empty object. */
export function resolve(document: unknown, value: unknown): Json {
  const reference = text(record(value)["$ref"]);
  if (!reference.startsWith("#/")) return record(value);
  const found = reference
    .slice(2)
    .split("/")
    .reduce<unknown>((at, name) => record(at)[name.replaceAll("~1", "/").replaceAll("~0", "~")], document);
  return record(found);
}

/** A value that the schema allows, to start from; recursion stops after a few levels. */
export function exampleOf(document: unknown, given: Schema | undefined, depth = 0): unknown {
  const schema = resolve(document, given) as Schema;
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum?.[0] !== undefined) return schema.enum[0];
  if (depth > 4) return null;
  const choice = (schema.oneOf ?? schema.anyOf)?.find((option) => option.type !== "null");
  if (choice) return exampleOf(document, choice, depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => exampleOf(document, part, depth + 1))) as unknown;
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== "null") : schema.type;
  switch (type) {
    case "array":
      return schema.items ? [exampleOf(document, schema.items, depth + 1)] : [];
    case "integer":
    case "number":
      return 0;
    case "boolean":
      return true;
    case "string":
      return schema.format === "date-time" ? "2030-01-01T00:00:00Z" : "";
    default: {
      const properties = Object.entries(schema.properties ?? {});
      if (properties.length === 0 && type !== "object") return null;
      return Object.fromEntries(properties.map(([name, part]) => [name, exampleOf(document, part, depth + 1)]));
    }
  }
}

function bodiesOf(document: unknown, operation: Json): Body[] {
  const content = record(resolve(document, operation["requestBody"])["content"]);
  return Object.entries(content).map(([contentType, media]) => {
    const given = record(media)["example"];
    const example = given ?? exampleOf(document, record(media)["schema"] as Schema | undefined);
    const shown = typeof example === "string" ? example : JSON.stringify(example, null, 2);
    return { contentType, example: contentType.includes("json") || typeof example === "string" ? shown : "" };
  });
}

function parametersOf(document: unknown, lists: readonly unknown[]): Parameter[] {
  return lists
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    .map((given) => resolve(document, given))
    .filter((parameter) => typeof parameter["name"] === "string")
    .map((parameter) => ({
      name: text(parameter["name"]),
      in: text(parameter["in"]) as Parameter["in"],
      required: parameter["required"] === true,
      description: text(parameter["description"]),
      schema: resolve(document, parameter["schema"]),
    }));
}

/** All operations of a document, in its order. */
export function operationsOf(document: unknown): Operation[] {
  const paths = Object.entries(record(record(document)["paths"]));
  return paths.flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = record(item)[method];
      if (!isRecord(operation)) return [];
      const tags = Array.isArray(operation["tags"]) ? operation["tags"] : [];
      return [
        {
          id: `${method} ${path}`,
          method: method.toUpperCase(),
          path,
          group: text(tags[0]),
          summary: text(operation["summary"]),
          description: text(operation["description"]),
          parameters: parametersOf(document, [record(item)["parameters"], operation["parameters"]]),
          bodies: bodiesOf(document, operation),
          answers: Object.entries(record(operation["responses"])).map(([status, answer]) => ({
            status,
            description: text(resolve(document, answer)["description"]),
            contentTypes: Object.keys(record(resolve(document, answer)["content"])),
          })),
        },
      ];
    }),
  );
}

/** Operations by group, both in the document's order. */
export function grouped(operations: readonly Operation[]): [group: string, operations: Operation[]][] {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.group);
    if (group) group.push(operation);
    else groups.set(operation.group, [operation]);
  }
  return [...groups];
}
