/**
 * Single-key shortcuts. A component says which key it answers while it is shown; the newest answer wins. Keys
 * typed into a field, or with Ctrl, Alt or ⌘ held, are never taken.
 */
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

/** One key and what it does. */
export interface Shortcut {
  /** As `KeyboardEvent.key` gives it: `?`, `/`, `t`. */
  key: string;
  /** What it does, in the reader's language. */
  label: string;
  /** Whether it works on every page or on this one only. */
  scope: "anywhere" | "here";
  run: () => void;
}

let shortcuts: readonly Shortcut[] = [];
const watchers = new Set<() => void>();

function replace(next: readonly Shortcut[]) {
  shortcuts = next;
  for (const watcher of watchers) watcher();
}

/** Adds a shortcut; returns what removes it. */
export function addShortcut(shortcut: Shortcut): () => void {
  replace([...shortcuts, shortcut]);
  return () => {
    replace(shortcuts.filter((other) => other !== shortcut));
  };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input, textarea, select, [contenteditable=true]") !== null)
  );
}

/** Runs the shortcut of a key press, if there is one; says whether it did. */
export function runShortcut(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return false;
  const found = shortcuts.findLast((shortcut) => shortcut.key === event.key);
  if (!found) return false;
  event.preventDefault();
  found.run();
  return true;
}

/** Answers a key for as long as the component is shown. */
export function useShortcut(key: string, label: string, run: () => void, scope: Shortcut["scope"] = "here"): void {
  const current = useEffectEvent(run);
  useEffect(
    () =>
      addShortcut({
        key,
        label,
        scope,
        run: () => {
          current();
        },
      }),
    [key, label, scope],
  );
}

/** All shortcuts that work now, for the list that `?` shows. */
export function useShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => shortcuts,
  );
}

/** Listens to the keyboard; once, in the shell. */
export function useShortcutKeys(): void {
  useEffect(() => {
    globalThis.addEventListener("keydown", runShortcut);
    return () => {
      globalThis.removeEventListener("keydown", runShortcut);
    };
  }, []);
}
