import { expect, it } from "vitest";
import { wrongFilter, wrongTopic } from "./filter";

it.each([
  ["#", null],
  ["a/b", null],
  ["+/a/+", null],
  ["a/#", null],
  ["/", null],
  ["$SYS/#", null],
  ["a#", "filterHash"],
  ["#/a", "filterHash"],
  ["a/b+", "filterPlus"],
])("says of the filter %s what is wrong with it: %s", (filter, wrong) => {
  expect(wrongFilter(filter)).toBe(wrong);
});

it.each([
  ["a/b", null],
  ["/", null],
  ["", "topicMissing"],
  ["a/+", "topicWild"],
  ["a/#", "topicWild"],
])("says of the topic %s what is wrong with it: %s", (topic, wrong) => {
  expect(wrongTopic(topic)).toBe(wrong);
});
