/** How keys and certificates are told apart, and until when they are good. */
import type { DeviceCredential } from "@/api/credentials";

/** Pairs of digits of a fingerprint that tell it from others. */
const PAIRS = 8;

/** A key by its identity; a certificate by the beginning of its fingerprint, as `openssl x509 -fingerprint -sha256` shows it. */
export function identityOf({ kind, identity }: Pick<DeviceCredential, "kind" | "identity">): string {
  if (kind === "psk") return identity;
  const pairs = identity.toUpperCase().match(/../g) ?? [];
  return `${pairs.slice(0, PAIRS).join(":")}…`;
}

/** When it is no longer good: what comes first of its own end and of what was set; null for never. */
export function endOf({ expires_at, not_after }: Pick<DeviceCredential, "expires_at" | "not_after">): Date | null {
  const ends = [expires_at, not_after].flatMap((end) => (end === null ? [] : [new Date(end)]));
  return ends.sort((one, other) => one.getTime() - other.getTime())[0] ?? null;
}
