/** Copies text, also where the page came over plain HTTP, for which browsers offer no clipboard object. */
import { useEffect, useState } from "react";

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "sn-hidden";
  // Inside of an open dialog, if there is one: its focus trap would take the focus away from anywhere else.
  const home = document.activeElement?.closest("[role=dialog]") ?? document.body;
  const before = document.activeElement;
  home.append(area);
  area.select();
  // Deprecated and without a successor that works on insecure origins.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

/** Copies a text to the clipboard; false when the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  if (!globalThis.isSecureContext) return copyBySelection(text);
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** A copy action and whether it happened within the last two seconds. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copies, setCopies] = useState(0);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (copies === 0) return;
    const timer = setTimeout(() => {
      setCopied(false);
    }, 2_000);
    return () => {
      clearTimeout(timer);
    };
  }, [copies]);
  const copy = (text: string) => {
    void copyText(text).then((done) => {
      setCopied(done);
      setCopies((count) => count + 1);
    });
  };
  return { copied, copy };
}
