import { expect, it } from "vitest";
import { codeInFragment } from "@/pages/setup/code";
import { linkAddress } from "./oneTimeLink";

it.each(["abc_DEF-123", "a+b/c=&d"])("keeps the code %s out of what is sent to a server, and gives it back", (code) => {
  const address = new URL(linkAddress("https://sensors.example", "claim", code));
  expect(address.pathname + address.search).toBe("/claim");
  expect(codeInFragment(address.hash)).toBe(code);
});
