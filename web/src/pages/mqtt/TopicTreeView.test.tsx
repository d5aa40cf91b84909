import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { MqttMessage } from "@/api/mqtt";
import { loadStrings } from "@/i18n";
import { FIRST, rowsOf, turned } from "./rows";
import { Topic } from "./Topic";
import { TopicTree } from "./topics";
import { TopicTreeView } from "./TopicTreeView";

const NOW = Date.parse("2026-11-28T08:00:00Z");

const message = (topic: string, text: string | null, more: Partial<MqttMessage> = {}): MqttMessage => ({
  topic,
  qos: 1,
  retain: false,
  bytes: text?.length ?? 3,
  text,
  base64: text === null ? "AP9B" : null,
  is_cut: false,
  content_type: null,
  expires: null,
  at: new Date(NOW).toISOString(),
  client_id: null,
  ...more,
});

/** The tree and the topic as the page puts them together. */
function Whole({ tree }: { tree: TopicTree }) {
  const [opened, setOpened] = useState(FIRST);
  const [selected, setSelected] = useState<string>();
  return (
    <MantineProvider>
      <TopicTreeView
        rows={rowsOf(tree, opened)}
        selected={selected}
        onTurn={(path) => {
          setOpened(turned(opened, path));
        }}
        onTurnAll={(all) => {
          setOpened({ all, except: new Set() });
        }}
        onSelect={setSelected}
      />
      <Topic path={selected} node={selected === undefined ? undefined : tree.find(selected)} />
    </MantineProvider>
  );
}

const names = () => screen.getAllByRole("treeitem").map((item) => item.textContent.replace(/\d.*/, ""));
const active = () => document.getElementById(screen.getByRole("tree").getAttribute("aria-activedescendant") ?? "");

beforeAll(() => loadStrings("mqtt", "charts"));
beforeEach(() => {
  // Nothing has a size here, and only rows in sight are drawn.
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(28);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
});
afterEach(cleanup);

it("moves, opens, closes and selects with the keys, and tells where one is", () => {
  const tree = new TopicTree();
  for (const topic of ["hall/lamp", "hall/door", "attic"]) tree.insert(message(topic, "1"), NOW);
  render(<Whole tree={tree} />);
  const box = screen.getByRole("tree", { name: "Topics" });
  const press = (key: string) => fireEvent.keyDown(box, { key });
  expect(names()).toEqual(["attic", "hall", "door", "lamp"]);
  expect(active()?.textContent).toMatch(/^attic/);
  press("ArrowDown");
  press("ArrowRight");
  expect(active()?.textContent).toMatch(/^door/);
  expect([active()?.getAttribute("aria-level"), active()?.getAttribute("aria-posinset"), active()?.getAttribute("aria-setsize")]).toEqual(["2", "1", "2"]);
  press("Enter");
  expect(active()?.getAttribute("aria-selected")).toBe("true");
  screen.getByRole("region", { name: "The topic hall/door" });
  press("ArrowLeft");
  press("ArrowLeft");
  expect(names()).toEqual(["attic", "hall"]);
  expect(active()?.getAttribute("aria-expanded")).toBe("false");
  fireEvent.click(screen.getByRole("button", { name: "Open all" }));
  expect(names()).toHaveLength(4);
});

it("shows JSON over several lines, values with the newest first, and bytes as such", () => {
  const tree = new TopicTree();
  tree.insert(message("a", '{"b":1}'), NOW);
  for (const value of ["20", "21.5"]) tree.insert(message("n", value, { at: new Date(NOW + Number(value)).toISOString() }), NOW);
  tree.insert(message("raw", null, { is_cut: true, bytes: 2_048 }), NOW);
  const { container } = render(<Whole tree={tree} />);
  const choose = (level: string) => fireEvent.click(screen.getByText(level));
  screen.getByText("Choose a topic to see its last message and values.");
  choose("a");
  expect(container.querySelector("pre")?.textContent).toBe('{\n  "b": 1\n}');
  choose("n");
  const cells = within(screen.getByRole("table", { name: "Last values of n" })).getAllByRole("cell");
  expect(cells.map(({ textContent }) => textContent)).toEqual(["21.5", "20"]);
  expect(container.querySelector('svg[preserveAspectRatio="none"] path')?.getAttribute("d")).toMatch(/^M.+L/);
  choose("raw");
  expect(container.querySelector("pre")?.textContent).toMatch(/^0000 {2}00 ff 41 /);
  screen.getByText("2 KiB in all; only the beginning is here.");
});
