import { expect, it } from "vitest";
import { validateSearch } from "./search";

it("keeps what it understands, and nothing that goes without saying", () => {
  expect(validateSearch({ tab: "topics", filter: "#", q: "", connected: false })).toEqual({});
  expect(validateSearch({ tab: "elsewhere", topic: { a: 1 }, connected: "yes" })).toEqual({});
  const whole = { tab: "clients", filter: "a/+", topic: "a/b", q: "esp", connected: true, client: "k", after: "z" } as const;
  expect(validateSearch(whole)).toEqual(whole);
});

it("takes digits and words of logic for the topics that they are", () => {
  expect(validateSearch({ topic: 42, filter: true, connected: "true" })).toEqual({ topic: "42", filter: "true", connected: true });
});
