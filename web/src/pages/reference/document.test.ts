import { describe, expect, it } from "vitest";
import { exampleOf, grouped, operationsOf } from "./document";
import { curlOf, missingParameter, requestOf } from "./request";

const document = {
  paths: {
    "/api/v1/tokens": {
      get: { tags: ["tokens"], summary: "List", responses: { 200: { description: "All" } } },
      post: {
        tags: ["tokens"],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/New" } } } },
        responses: { 201: { content: { "application/json": {} } } },
      },
    },
    "/api/v1/databases/{db}/last": {
      parameters: [{ name: "db", in: "path", required: true }],
      get: { tags: ["databases"], parameters: [{ name: "table", in: "query", schema: { type: "string" } }] },
    },
  },
  components: {
    schemas: {
      New: {
        type: "object",
        properties: {
          name: { type: "string", example: "porch" },
          database: { type: ["string", "null"] },
          can_write: { type: "boolean" },
          child: { $ref: "#/components/schemas/New" },
        },
      },
    },
  },
};

describe("an OpenAPI document", () => {
  const operations = operationsOf(document);

  it("is read into operations by group", () => {
    expect(grouped(operations).map(([group, list]) => [group, list.map(({ id }) => id)])).toEqual([
      ["tokens", ["get /api/v1/tokens", "post /api/v1/tokens"]],
      ["databases", ["get /api/v1/databases/{db}/last"]],
    ]);
  });

  it("gives a body to start from, also for a schema that holds itself", () => {
    const body = JSON.parse(operations[1]?.bodies[0]?.example ?? "") as Record<string, unknown>;
    expect(body).toMatchObject({ name: "porch", database: "", can_write: true });
  });

  it.each([
    [{ type: "array", items: { type: "integer" } }, [0]],
    [{ oneOf: [{ type: "null" }, { type: "boolean" }] }, true],
    [{ allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { enum: ["x", "y"] } } }] }, { a: 1, b: "x" }],
    [undefined, null],
  ])("makes an example of %j", (schema, example) => {
    expect(exampleOf(document, schema)).toEqual(example);
  });

  it("opens when it is something else", () => {
    expect(operationsOf(null)).toEqual([]);
    expect(operationsOf({ paths: { "/x": 3 } })).toEqual([]);
  });

  it("becomes a request with escaped parts", () => {
    const operation = operations[2];
    if (!operation) throw new Error("no operation");
    const filled = { parameters: { "path db": "my data/x", "query table": "a&b" }, contentType: "", body: "" };
    expect(missingParameter(operation, { ...filled, parameters: {} })).toBe("db");
    expect(missingParameter(operation, filled)).toBeNull();
    expect(requestOf(operation, filled)).toEqual({
      method: "GET",
      url: "/api/v1/databases/my%20data%2Fx/last?table=a%26b",
      headers: {},
      body: null,
    });
  });

  it("becomes a curl command that a shell takes apart as meant", () => {
    const operation = operations[1];
    if (!operation) throw new Error("no operation");
    const request = requestOf(operation, { parameters: {}, contentType: "application/json", body: `{"name":"it's"}` });
    expect(curlOf(request, "http://h:1", "T")).toBe(
      `curl -i -X POST 'http://h:1/api/v1/tokens' \\\n  -H 'Authorization: Bearer T' \\\n  -H 'Content-Type: application/json' \\\n  --data-binary '{"name":"it'\\''s"}'`,
    );
  });
});
