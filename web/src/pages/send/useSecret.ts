/** The write token made on this page, kept in the tab's memory only: it survives a look at another page, not a reload. */
import { useState } from "react";

const secrets = new Map<string, string>();

/** The secret for a database and how to set it. */
export function useSecret(database: string): [string | undefined, (secret: string) => void] {
  const [, redraw] = useState(0);
  return [
    secrets.get(database),
    (secret) => {
      secrets.set(database, secret);
      redraw((count) => count + 1);
    },
  ];
}
