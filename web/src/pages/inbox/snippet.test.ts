import { expect, it } from "vitest";
import { snippet } from "./snippet";

it("sends as a device to the server that the page came from", () => {
  const text = snippet({ origin: "http://box:8086", database: "my data", key: "sen_x" });
  expect(text).toContain('curl -i "http://box:8086/write?db=my%20data" \\');
  expect(text).toContain("Bearer sen_x");
  expect(text).toContain('"room,device=ESP_12AB temperature=');
});
