import { afterEach, expect, it, vi } from "vitest";
import { addShortcut, runShortcut } from "./shortcuts";

const removals: (() => void)[] = [];

function add(key: string) {
  const run = vi.fn();
  const remove = addShortcut({ key, label: key, scope: "here", run });
  removals.push(remove);
  return { run, remove };
}

function press(key: string, more: KeyboardEventInit = {}, target: EventTarget = document.body): boolean {
  let taken = false;
  const listen = (event: Event) => {
    taken = runShortcut(event as KeyboardEvent);
  };
  target.addEventListener("keydown", listen);
  target.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, ...more }));
  target.removeEventListener("keydown", listen);
  return taken;
}

afterEach(() => {
  for (const remove of removals.splice(0)) remove();
  document.body.replaceChildren();
});

it("runs the newest answer to a key, and the older one again once it is gone", () => {
  const older = add("t");
  const newer = add("t");
  expect(press("t")).toBe(true);
  expect(newer.run).toHaveBeenCalledOnce();
  newer.remove();
  press("t");
  expect(older.run).toHaveBeenCalledOnce();
});

it("leaves other keys and combinations to the browser", () => {
  const { run } = add("t");
  expect(press("x")).toBe(false);
  expect(press("t", { ctrlKey: true })).toBe(false);
  expect(press("t", { metaKey: true })).toBe(false);
  expect(run).not.toHaveBeenCalled();
});

it.each(["input", "textarea", "select"])("never takes a key typed into a field: %s", (name) => {
  const { run } = add("?");
  const field = document.createElement(name);
  document.body.append(field);
  expect(press("?", {}, field)).toBe(false);
  expect(run).not.toHaveBeenCalled();
});
