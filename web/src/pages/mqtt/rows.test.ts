import { expect, it } from "vitest";
import type { MqttMessage } from "@/api/mqtt";
import { FIRST, moveOf, type Opened, rowsOf, turned } from "./rows";
import { TopicTree } from "./topics";

const tree = new TopicTree();
for (const topic of ["hall/north/climate/temperature", "hall/south", "attic", "hall/north/door"]) {
  const message: MqttMessage = {
    topic,
    qos: 0,
    retain: false,
    bytes: 1,
    text: "1",
    base64: null,
    is_cut: false,
    content_type: null,
    expires: null,
    at: null,
    client_id: null,
  };
  tree.insert(message, 0);
}

const paths = (opened: Opened) => rowsOf(tree, opened).map(({ node }) => node.path);

it("opens the first levels, and what somebody opens", () => {
  expect(paths(FIRST)).toEqual(["attic", "hall", "hall/north", "hall/north/climate", "hall/north/door", "hall/south"]);
  expect(paths(turned(FIRST, "hall/north/climate"))).toContain("hall/north/climate/temperature");
  const closed = turned(FIRST, "hall");
  expect(paths(closed)).toEqual(["attic", "hall"]);
  expect(paths(turned(closed, "hall"))).toEqual(paths(FIRST));
  expect(paths({ all: true, except: new Set() })).toHaveLength(7);
  expect(paths({ all: false, except: new Set(["hall"]) })).toEqual(["attic", "hall", "hall/north", "hall/south"]);
});

it("says where a row stands", () => {
  const rows = rowsOf(tree, FIRST);
  expect(rows.map(({ depth, place, among, isOpen }) => [depth, place, among, isOpen])).toEqual([
    [1, 1, 2, null],
    [1, 2, 2, true],
    [2, 1, 2, true],
    [3, 1, 2, false],
    [3, 2, 2, null],
    [2, 2, 2, null],
  ]);
});

it.each([
  [0, "ArrowUp", null],
  [0, "ArrowDown", { to: 1 }],
  [5, "ArrowDown", null],
  [2, "Home", { to: 0 }],
  [2, "End", { to: 5 }],
  [0, "ArrowRight", null],
  [1, "ArrowRight", { to: 2 }],
  [3, "ArrowRight", { turn: 3 }],
  [2, "ArrowLeft", { turn: 2 }],
  [4, "ArrowLeft", { to: 2 }],
  [0, "ArrowLeft", null],
  [4, "Enter", { select: 4 }],
  [4, " ", { select: 4 }],
  [1, "d", { to: 4 }],
  [1, "A", { to: 0 }],
  [1, "z", null],
  [1, "Tab", null],
  [9, "ArrowDown", null],
])("at row %i, %s leads to %j", (at, key, move) => {
  expect(moveOf(rowsOf(tree, FIRST), at, key)).toEqual(move);
});
