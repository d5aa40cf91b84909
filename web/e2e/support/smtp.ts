/** A real mail server (aiosmtpd) that shows what it took. */
import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** A message. */
export interface Message {
  to: string[];
  subject: string;
  plain: string;
}

/** A running mail server. */
export interface Smtp {
  port: number;
  /** The next message that was taken. */
  next: () => Promise<Message>;
}

const running: ChildProcess[] = [];
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts one, without TLS; ends it after the tests of the file. */
export async function smtp(): Promise<Smtp> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const script = fileURLToPath(new URL("../../../crates/mail/tests/support/smtp.py", import.meta.url));
  const child = spawn(join(cache, "sensorium/python/bin/python3"), [script], { stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await lines.next();
    if (line.done === true) throw new Error("the mail server ended; run scripts/install.sh test");
    return line.value;
  };
  const { port } = JSON.parse(await next()) as { port: number };
  return { port, next: async () => JSON.parse(await next()) as Message };
}

/** The link in a message, at another origin than the one that people would open. */
export function linkOf({ plain }: Message, origin: string): string {
  const link = /^https:\/\/\S+#code=\S+$/m.exec(plain)?.[0];
  if (link === undefined) throw new Error(`no link: ${plain}`);
  const { pathname, hash } = new URL(link);
  return origin + pathname + hash;
}
