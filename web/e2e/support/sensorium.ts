/** Runs the real `sensorium serve` on a free port with a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 15_000;

/** What is undone after the tests of the file, last first; tests and hooks alike may add to it. */
const undo: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

/** Whoever the tests sign in as. */
export const admin = {
  organisation: "Analytical Engines",
  login: "ada",
  password: "a notion for the engine",
};

/** A running server. */
export interface Sensorium {
  /** Its address without a path. */
  origin: string;
  /** The folder of its data. */
  dataDir: string;
  /** The address that it printed; at the first start it holds the set-up code. */
  printed: string;
  /** What it tells commands on this machine, such as `mqtt`: the address at which it listens to MQTT. */
  told: (key: string) => Promise<string>;
  /** Stops it as a service manager would; rejects unless it ends by itself and without an error. */
  stop: () => Promise<void>;
}

function binary(): string {
  const target = process.env["CARGO_TARGET_DIR"] ?? join(homedir(), ".cache/sensorium/target");
  return process.env["SENSORIUM_BIN"] ?? join(target, "debug/sensorium");
}

/** This process's environment without settings of Sensorium: the server would take SENSORIUM_BIN for one. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SENSORIUM_")));
}

function within<T>(ms: number, what: () => string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what()} within ${ms} ms`));
    }, ms);
  });
  return Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** Makes an empty folder that is deleted after the tests of the file. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "sensorium-e2e-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** How a server is started. */
export interface ServeOptions {
  http?: string;
  args?: string[];
  /** Settings by their environment variable. */
  settings?: Record<string, string>;
}

/** Starts a server and waits until it printed its address. */
export async function serve(dataDir: string, options: ServeOptions = {}): Promise<Sensorium> {
  const args = ["serve", "--data-dir", dataDir, "--http", options.http ?? "127.0.0.1:0", ...(options.args ?? [])];
  const child: ChildProcess = spawn(binary(), args, { env: { ...plainEnvironment(), ...options.settings }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const ended = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      resolve(code);
    });
  });
  const printed = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const address = /^Open (\S+)$/m.exec(output)?.[1];
      if (address !== undefined) resolve(address);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", reject);
    void ended.then((code) => {
      reject(new Error(`sensorium ended with ${String(code)} before it printed its address:\n${output}`));
    });
  });
  const address = await within(START_DEADLINE_MS, () => `sensorium printed no address:\n${output}`, printed).catch(
    (error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    },
  );
  return {
    origin: new URL(address).origin,
    dataDir,
    printed: address,
    async told(key) {
      const file = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")) as Record<string, unknown>;
      const value = file[key];
      if (typeof value !== "string") throw new Error(`server.json has no ${key}`);
      return value;
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      const code = await within(STOP_DEADLINE_MS, () => `sensorium did not stop:\n${output}`, ended).catch(
        (error: unknown) => {
          child.kill("SIGKILL");
          throw error;
        },
      );
      if (code !== 0) throw new Error(`sensorium ended with ${String(code)}:\n${output}`);
    },
  };
}

/** Starts a server with an empty data folder; stops it after the tests of the file. */
export async function fresh(args: string[] = [], settings: Record<string, string> = {}): Promise<Sensorium> {
  const server = await serve(await emptyFolder(), { args, settings });
  undo.push(server.stop);
  return server;
}

/** The session cookie of a signed-in person. */
export interface Session {
  name: string;
  value: string;
}

/** Creates the administrator over HTTP, for tests that are about something else. */
export async function setUp(server: Sensorium): Promise<Session> {
  const code = new URLSearchParams(new URL(server.printed).hash.slice(1)).get("code") ?? "";
  const response = await fetch(`${server.origin}/api/v1/setup`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: server.origin },
    body: JSON.stringify({ code, ...admin }),
  });
  if (response.status !== 201) throw new Error(`set-up gave ${response.status}: ${await response.text()}`);
  return sessionOf(response);
}

function sessionOf(response: Response): Session {
  const cookie = response.headers.getSetCookie()[0] ?? "";
  const [name = "", value = ""] = (cookie.split(";")[0] ?? "").split("=");
  return { name, value };
}

/** Calls the server as the page does. */
export async function call(server: Sensorium, session: Session, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Cookie", `${session.name}=${session.value}`);
  headers.set("Origin", server.origin);
  return fetch(server.origin + path, { ...init, headers });
}

/** Creates a token over HTTP and gives its secret. */
export async function token(
  server: Sensorium,
  session: Session,
  rights: { can_read: boolean; can_write: boolean },
): Promise<string> {
  const response = await call(server, session, "/api/v1/tokens", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "end-to-end test", ...rights }),
  });
  if (response.status !== 201) throw new Error(`token gave ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { secret: string }).secret;
}

/** Whom to invite. */
export interface Invitation {
  login: string;
  name?: string;
  role: "guest" | "viewer" | "editor" | "administrator" | "owner";
}

/** Invites a person over HTTP; gives their id and the code of the link. */
export async function invite(
  server: Sensorium,
  session: Session,
  invitation: Invitation,
): Promise<{ id: string; code: string }> {
  const response = await call(server, session, "/api/v1/users", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(invitation),
  });
  if (response.status !== 201) throw new Error(`invitation gave ${response.status}: ${await response.text()}`);
  const { user, link } = (await response.json()) as { user: { id: string }; link: { code: string } };
  return { id: user.id, code: link.code };
}

/** Accepts an invitation over HTTP; gives the new session. */
export async function accept(server: Sensorium, code: string, password: string): Promise<Session> {
  const response = await fetch(`${server.origin}/api/v1/invitations/accept`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: server.origin },
    body: JSON.stringify({ code, password }),
  });
  if (response.status !== 200) throw new Error(`accepting gave ${response.status}: ${await response.text()}`);
  return sessionOf(response);
}
