/** The levels of the tree that are shown, and where the keys lead, as the ARIA practices of a tree view have it. */
import type { TopicNode, TopicTree } from "./topics";

/** Levels above this depth are open unless somebody closed them. */
const OPEN_DEPTH = 2;

/** Which levels are open. */
export interface Opened {
  /** Whether all are unless they are in the list; null before somebody said so for all. */
  all: boolean | null;
  /** Paths whose levels are the other way round. */
  except: ReadonlySet<string>;
}

/** Before anybody opened or closed any. */
export const FIRST: Opened = { all: null, except: new Set() };

/** The same with one level the other way round. */
export function turned({ all, except }: Opened, path: string): Opened {
  const next = new Set(except);
  if (!next.delete(path)) next.add(path);
  return { all, except: next };
}

/** A level that is shown. */
export interface Row {
  node: TopicNode;
  /** 1 for the first level of a topic. */
  depth: number;
  /** Its place among those beside it, from 1 on, and how many they are. */
  place: number;
  among: number;
  /** Null where there is nothing below it. */
  isOpen: boolean | null;
}

/** The rows from above to below. */
export function rowsOf(tree: TopicTree, { all, except }: Opened): Row[] {
  const rows: Row[] = [];
  const add = (parent: TopicNode | null, depth: number) => {
    const nodes = tree.sorted(parent);
    nodes.forEach((node, index) => {
      const isOpen = node.children.size === 0 ? null : (all ?? depth <= OPEN_DEPTH) !== except.has(node.path);
      rows.push({ node, depth, place: index + 1, among: nodes.length, isOpen });
      if (isOpen === true) add(node, depth + 1);
    });
  };
  add(null, 1);
  return rows;
}

/** What a key does in the tree: leads to a row, opens or closes one, or selects it. */
export type Move = { to: number } | { turn: number } | { select: number };

/** What a key means at a row; null where it means nothing. */
export function moveOf(rows: readonly Row[], at: number, key: string): Move | null {
  const row = rows[at];
  if (row === undefined) return null;
  switch (key) {
    case "ArrowDown":
      return at + 1 < rows.length ? { to: at + 1 } : null;
    case "ArrowUp":
      return at > 0 ? { to: at - 1 } : null;
    case "Home":
      return { to: 0 };
    case "End":
      return { to: rows.length - 1 };
    case "ArrowRight":
      return row.isOpen === null ? null : row.isOpen ? { to: at + 1 } : { turn: at };
    case "ArrowLeft": {
      if (row.isOpen === true) return { turn: at };
      const above = rows.findIndex(({ node }) => node === row.node.parent);
      return above === -1 ? null : { to: above };
    }
    case "Enter":
    case " ":
      return { select: at };
    default:
      return key.length === 1 ? named(rows, at, key) : null;
  }
}

/** The next row whose name begins with a letter, from the top again after the last. */
function named(rows: readonly Row[], at: number, letter: string): Move | null {
  const wanted = letter.toLowerCase();
  for (let step = 1; step <= rows.length; step += 1) {
    const index = (at + step) % rows.length;
    if (rows[index]?.node.level.toLowerCase().startsWith(wanted) === true) return { to: index };
  }
  return null;
}
