/** The words of the record of changes that this page knows; another one is shown as it is. */

/** What is done. */
export const ACTIONS = [
  "created",
  "changed",
  "deleted",
  "revoked",
  "accepted",
  "ended",
  "signed_in",
  "signed_out",
  "began",
  "enabled",
  "removed",
  "used",
  "imported",
  "submitted",
  "returned",
  "withdrew",
  "commented",
  "claimed",
  "sent",
  "not_sent",
  "confirmed",
  "disconnected",
] as const;

/** The kinds of things that it is done to. */
export const TARGETS = [
  "user",
  "invitation",
  "password reset",
  "password",
  "session",
  "token",
  "organisation",
  "database",
  "retention",
  "rollup",
  "readings",
  "query",
  "backup",
  "second factor",
  "recovery code",
  "wifi network",
  "device",
  "device_type",
  "device_token",
  "device_credential",
  "device_state",
  "device_command",
  "place",
  "template",
  "class",
  "group",
  "claim link",
  "email",
  "mail",
  "mqtt client",
  "retained message",
] as const;

/** A known action. */
export type Action = (typeof ACTIONS)[number];

/** A known kind of thing. */
export type Target = (typeof TARGETS)[number];

/** Whether the page has a word of its own for an action. */
export function isAction(word: string): word is Action {
  return ACTIONS.some((action) => action === word);
}

/** Whether the page has a word of its own for a kind of thing. */
export function isTarget(word: string): word is Target {
  return TARGETS.some((target) => target === word);
}
