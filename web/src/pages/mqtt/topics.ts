/**
 * The topics that messages came on, as a tree of their levels.
 *
 * Bounded: at most `MAX_NODES` levels, and of each topic its last message and the beginnings of `KEPT_VALUES` more. What would
 * go beyond is counted and left out; topics that are known go on. A level counts what comes on it and below it.
 */
import type { MqttMessage } from "@/api/mqtt";
import { numberOf, previewOf } from "./payload";

/** So many levels are kept. */
export const MAX_NODES = 2_000;
/** So many values of a topic are kept. */
export const KEPT_VALUES = 20;
/** A rate is over so many seconds. */
export const RATE_SECONDS = 10;

/** A value that a topic had. */
export interface TopicValue {
  /** Counts the messages of the topic, so that no two are the same. */
  number: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** The beginning of the text; null where it is none. */
  text: string | null;
  bytes: number;
  /** Null where it is none. */
  reading: number | null;
}

/** A level of a topic. */
export interface TopicNode {
  /** No two nodes of a tree have the same. */
  readonly id: number;
  readonly level: string;
  /** The topic that ends with this level. */
  readonly path: string;
  readonly parent: TopicNode | null;
  readonly children: Map<string, TopicNode>;
  /** Null where messages came below it alone. */
  last: MqttMessage | null;
  /** The newest come last. */
  values: TopicValue[];
  /** Messages on it and below it, without those that were there before. */
  count: number;
  /** When the newest of them was sent, in milliseconds since the epoch; NaN without any. */
  at: number;
  /** Messages of each of the last seconds, in turn. */
  readonly seconds: number[];
  /** The second that was counted last. */
  second: number;
}

/** Names as people order them. */
const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** The tree. */
export class TopicTree {
  /** What the topics begin with. */
  readonly roots = new Map<string, TopicNode>();
  #size = 0;
  #leftOut = 0;
  /** The order of children, until there are more of them. */
  readonly #sorted = new Map<TopicNode | null, readonly TopicNode[]>();

  constructor(readonly limit: number = MAX_NODES) {}

  /** How many levels there are. */
  get size(): number {
    return this.#size;
  }

  /** How many messages came on topics that there was no room for. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Takes a message in that came at a time; false if there is no room for its topic. */
  insert(message: MqttMessage, now: number): boolean {
    const node = this.#nodeFor(message);
    if (node === null) return false;
    const at = timeOf(message, now);
    this.#keep(node, message, at);
    const second = Math.floor(now / 1_000);
    for (let above: TopicNode | null = node; above !== null; above = above.parent) {
      above.count += 1;
      if (Number.isNaN(above.at) || above.at < at) above.at = at;
      forget(above, second);
      const place = second % RATE_SECONDS;
      above.seconds[place] = (above.seconds[place] ?? 0) + 1;
    }
    return true;
  }

  /** Takes a message in that was there before; it counts for nothing, and what came since is newer. */
  insertRetained(message: MqttMessage, now: number): boolean {
    const node = this.#nodeFor(message);
    if (node === null) return false;
    if (node.last !== null) return true;
    // Without a time of its own it says nothing about when it was sent.
    const at = message.at == null ? NaN : timeOf(message, now);
    this.#keep(node, message, at);
    for (let above: TopicNode | null = node; above !== null; above = above.parent) if (Number.isNaN(above.at) || above.at < at) above.at = at;
    return true;
  }

  /** The level that ends a topic, if it is known. */
  find(path: string): TopicNode | undefined {
    let node: TopicNode | undefined;
    for (const level of path.split("/")) {
      node = (node === undefined ? this.roots : node.children).get(level);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The levels below one, or the first ones, by name. */
  sorted(parent: TopicNode | null): readonly TopicNode[] {
    const known = this.#sorted.get(parent);
    if (known !== undefined) return known;
    const children = [...(parent?.children ?? this.roots).values()];
    children.sort((one, other) => order.compare(one.level, other.level) || (one.level < other.level ? -1 : 1));
    this.#sorted.set(parent, children);
    return children;
  }

  /** A filter that lets the fullest part of the tree through and less than all of it; null if there is none. */
  narrower(): string | null {
    let nodes = this.sorted(null);
    // A level that everything is below narrows nothing.
    while (nodes.length === 1 && nodes[0] !== undefined && nodes[0].children.size > 0) nodes = this.sorted(nodes[0]);
    const full = nodes.filter(({ children }) => children.size > 0).map((node) => ({ path: node.path, size: sizeOf(node) }));
    const [largest] = full.sort((one, other) => other.size - one.size);
    return largest === undefined ? null : `${largest.path}/#`;
  }

  #nodeFor({ topic }: MqttMessage): TopicNode | null {
    const levels = topic.split("/");
    let node: TopicNode | null = null;
    let below: Map<string, TopicNode> = this.roots;
    let known = 0;
    for (const level of levels) {
      const next = below.get(level);
      if (next === undefined) break;
      node = next;
      below = next.children;
      known += 1;
    }
    if (this.#size + levels.length - known > this.limit) {
      this.#leftOut += 1;
      return null;
    }
    for (; known < levels.length; known += 1) {
      const level = levels[known] ?? "";
      const made: TopicNode = {
        id: this.#size,
        level,
        path: levels.slice(0, known + 1).join("/"),
        parent: node,
        children: new Map(),
        last: null,
        values: [],
        count: 0,
        at: NaN,
        seconds: Array.from({ length: RATE_SECONDS }, () => 0),
        second: 0,
      };
      below.set(level, made);
      this.#sorted.delete(node);
      this.#size += 1;
      node = made;
      below = made.children;
    }
    return node;
  }

  #keep(node: TopicNode, message: MqttMessage, at: number): void {
    node.last = message;
    const number = (node.values.at(-1)?.number ?? 0) + 1;
    const value = { number, at, text: previewOf(message), bytes: message.bytes, reading: numberOf(message) };
    // A list of its own for each state, so that what was drawn stays as it was.
    node.values = [...node.values, value].slice(-KEPT_VALUES);
  }
}

/** Messages a second on a level and below it, over the last seconds. */
export function rateOf(node: TopicNode, now: number): number {
  const second = Math.floor(now / 1_000);
  const gone = Math.max(0, second - node.second);
  let sum = 0;
  for (let back = gone; back < RATE_SECONDS; back += 1) {
    const at = second - back;
    sum += node.seconds[at % RATE_SECONDS] ?? 0;
  }
  return sum / RATE_SECONDS;
}

/** Clears the seconds since the last one that was counted. */
function forget(node: TopicNode, second: number): void {
  const gone = Math.min(RATE_SECONDS, second - node.second);
  for (let back = 0; back < gone; back += 1) node.seconds[(second - back) % RATE_SECONDS] = 0;
  node.second = Math.max(node.second, second);
}

function timeOf({ at }: MqttMessage, now: number): number {
  const time = at == null ? NaN : Date.parse(at);
  return Number.isNaN(time) ? now : time;
}

function sizeOf({ children }: TopicNode): number {
  let size = 1;
  for (const child of children.values()) size += sizeOf(child);
  return size;
}
