import { expect, it } from "vitest";
import type { MqttMessage } from "@/api/mqtt";
import { KEPT_VALUES, RATE_SECONDS, rateOf, type TopicNode, TopicTree } from "./topics";

const message = (topic: string, text: string | null = "1", more: Partial<MqttMessage> = {}): MqttMessage => ({
  topic,
  qos: 0,
  retain: false,
  bytes: text?.length ?? 3,
  text,
  base64: text === null ? "AP8B" : null,
  is_cut: false,
  content_type: null,
  expires: null,
  at: null,
  client_id: null,
  ...more,
});

const NOW = 1_800_000_000_000;

const names = (tree: TopicTree, parent: TopicNode | null = null): unknown[] =>
  tree.sorted(parent).map((node) => (node.children.size === 0 ? node.level : [node.level, ...names(tree, node)]));

it("puts topics into their levels, in the order of people", () => {
  const tree = new TopicTree();
  for (const topic of ["hall/sensor10", "hall/sensor9", "hall", "/lead", "a//b", "A", "__proto__/x"]) tree.insert(message(topic), NOW);
  expect(names(tree)).toEqual([["", "lead"], ["__proto__", "x"], "A", ["a", ["", "b"]], ["hall", "sensor9", "sensor10"]]);
  expect(tree.size).toBe(11);
  expect(tree.find("a//b")?.path).toBe("a//b");
  expect(tree.find("/lead")?.parent?.path).toBe("");
  expect(tree.find("hall")?.last?.topic).toBe("hall");
  expect(tree.find("a/")?.last).toBeNull();
  expect(tree.find("a/b")).toBeUndefined();
  expect(new Set(["A", "a", "a/", "a//b"].map((path) => tree.find(path)?.id)).size).toBe(4);
});

it("counts on each level what comes on it and below it", () => {
  const tree = new TopicTree();
  tree.insert(message("hall/a"), NOW);
  tree.insert(message("hall/b", "2", { at: new Date(NOW - 5_000).toISOString() }), NOW);
  tree.insert(message("hall"), NOW);
  expect(tree.find("hall")?.count).toBe(3);
  expect(tree.find("hall/b")?.count).toBe(1);
  expect(tree.find("hall/b")?.at).toBe(NOW - 5_000);
  expect(tree.find("hall")?.at).toBe(NOW);
});

it("keeps the last values of a topic", () => {
  const tree = new TopicTree();
  for (let index = 0; index < KEPT_VALUES + 5; index += 1) tree.insert(message("t", String(index)), NOW + index);
  tree.insert(message("t", null), NOW + 99);
  const values = tree.find("t")?.values ?? [];
  expect(values).toHaveLength(KEPT_VALUES);
  expect(values[0]).toEqual({ number: 7, at: NOW + 6, text: "6", bytes: 1, reading: 6 });
  expect(values.at(-1)).toMatchObject({ number: 26, text: null, bytes: 3, reading: null });
});

it("tells the rate of the last seconds, which falls when nothing comes", () => {
  const tree = new TopicTree();
  for (let index = 0; index < 40; index += 1) tree.insert(message("a/b"), NOW + index * 250);
  const node = tree.find("a") as TopicNode;
  const last = NOW + 39 * 250;
  expect(rateOf(node, last)).toBe(4);
  expect(rateOf(node, last + 5_000)).toBe(2);
  expect(rateOf(node, last + RATE_SECONDS * 1_000)).toBe(0);
  tree.insert(message("a/b"), last + 60_000);
  expect(rateOf(node, last + 60_000)).toBe(0.1);
  // A clock that was put back counts on.
  tree.insert(message("a/b"), last + 58_000);
  expect(node.count).toBe(42);
});

it("takes no more levels than it has room for, and goes on with those it has", () => {
  const tree = new TopicTree(4);
  expect(tree.insert(message("a/b"), NOW)).toBe(true);
  expect(tree.insert(message("a/c/d/e"), NOW)).toBe(false);
  // Nothing is left of what did not fit.
  expect(tree.size).toBe(2);
  expect(tree.find("a/c")).toBeUndefined();
  expect(tree.insert(message("x/y"), NOW)).toBe(true);
  expect(tree.insertRetained(message("z"), NOW)).toBe(false);
  expect(tree.insert(message("a/b"), NOW)).toBe(true);
  expect(tree.insert(message("a"), NOW)).toBe(true);
  expect([tree.size, tree.leftOut]).toEqual([4, 2]);
  expect(tree.find("a")?.count).toBe(3);
});

it("suggests the fullest part of the tree as a narrower filter", () => {
  const tree = new TopicTree();
  expect(tree.narrower()).toBeNull();
  for (const topic of ["only/a/1", "only/b/1", "only/b/2", "only/c"]) tree.insert(message(topic), NOW);
  expect(tree.narrower()).toBe("only/b/#");
  tree.insert(message("another"), NOW);
  expect(tree.narrower()).toBe("only/#");
  const flat = new TopicTree();
  flat.insert(message("a"), NOW);
  flat.insert(message("b"), NOW);
  expect(flat.narrower()).toBeNull();
});

it("puts what was retained first, and does not count it", () => {
  const tree = new TopicTree();
  const at = "2026-11-28T08:00:00Z";
  tree.insert(message("t", "new"), NOW);
  tree.insertRetained(message("t", "old", { retain: true, at }), NOW);
  expect(tree.find("t")?.last?.text).toBe("new");
  tree.insertRetained(message("r/s", "old", { retain: true, at }), NOW);
  tree.insertRetained(message("r/without", "old", { retain: true }), NOW);
  const node = tree.find("r/s") as TopicNode;
  expect([node.count, node.at, rateOf(node, NOW)]).toEqual([0, Date.parse(at), 0]);
  expect(tree.find("r")?.at).toBe(Date.parse(at));
  expect(tree.find("r/without")?.at).toBeNaN();
  tree.insert(message("r/s", "new", { retain: true, at: "2026-11-28T08:00:01Z" }), NOW);
  expect([node.count, node.values.length]).toEqual([1, 2]);
});
