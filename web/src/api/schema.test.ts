// @vitest-environment node
import { readFileSync } from "node:fs";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";

it("is what `npm run api` makes of the OpenAPI document", async () => {
  const document = JSON.parse(readFileSync("../openapi.json", "utf8")) as Parameters<typeof openapiTS>[0];
  const written = readFileSync("src/api/schema.d.ts", "utf8");
  expect(written).toBe(COMMENT_HEADER + astToString(await openapiTS(document)));
});
