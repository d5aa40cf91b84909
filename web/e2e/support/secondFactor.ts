/** What an authenticator app does (RFC 6238), and setting up a second factor over HTTP. */
import { createHmac } from "node:crypto";
import { call, type Sensorium, type Session } from "./sensorium";

const STEP_S = 30;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function unbase32(text: string): Buffer {
  let bits = "";
  for (const letter of text.replaceAll(/[\s=]/g, "").toUpperCase()) {
    bits += ALPHABET.indexOf(letter).toString(2).padStart(5, "0");
  }
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The code of a secret; `later` is how many half minutes from now it is for. A code is good once, so the next use takes a later one. */
export function codeOf(secret: string, later = 0): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1_000 / STEP_S) + later));
  const hash = createHmac("sha1", unbase32(secret)).update(counter).digest();
  const at = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}

/** A second factor that counts. */
export interface SecondFactor {
  secret: string;
  recoveryCodes: string[];
}

/** Sets up the second factor of whoever the session is of. */
export async function secondFactor(server: Sensorium, session: Session, password: string): Promise<SecondFactor> {
  const post = async (path: string, body: object): Promise<unknown> => {
    const response = await call(server, session, `/api/v1/account/second-factor${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`second factor gave ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { secret } = (await post("", { password })) as { secret: string };
  const confirmed = (await post("/confirm", { code: codeOf(secret) })) as { recovery_codes: string[] };
  return { secret, recoveryCodes: confirmed.recovery_codes };
}
