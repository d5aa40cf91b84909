/** A small provider of OpenID Connect on a free port, which lets in without asking whomever it is told to. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { generateKeyPairSync, sign } from "node:crypto";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** Whom the provider names; null refuses. */
export interface Somebody {
  sub: string;
  email: string;
  email_verified: boolean;
}

/** A running provider. */
export interface Provider {
  issuer: string;
  /** Who is signed in there. */
  somebody: Somebody | null;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function text(request: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of request) all += String(chunk);
  return all;
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Starts one; stops it after the tests of the file. */
export async function startProvider(client: string): Promise<Provider> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const nonces = new Map<string, string>();
  const provider: Provider = { issuer: "", somebody: null };
  const idToken = (nonce: string) => {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { iss: provider.issuer, aud: client, iat: now, exp: now + 60, nonce, ...provider.somebody };
    const signed = `${part({ alg: "ES256", kid: "k", typ: "JWT" })}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };
  const answers: Record<string, (query: URLSearchParams) => object> = {
    "/.well-known/openid-configuration": () => ({
      issuer: provider.issuer,
      authorization_endpoint: `${provider.issuer}/authorize`,
      token_endpoint: `${provider.issuer}/token`,
      jwks_uri: `${provider.issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    }),
    "/keys": () => ({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", use: "sig", alg: "ES256" }] }),
    "/token": (form) => ({
      access_token: "access",
      token_type: "Bearer",
      id_token: idToken(nonces.get(form.get("code") ?? "") ?? ""),
    }),
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const url = new URL(request.url ?? "/", provider.issuer);
      if (url.pathname === "/authorize") {
        const back = new URL(url.searchParams.get("redirect_uri") ?? "");
        back.searchParams.set("state", url.searchParams.get("state") ?? "");
        const code = `code-${nonces.size}`;
        nonces.set(code, url.searchParams.get("nonce") ?? "");
        if (provider.somebody === null) back.searchParams.set("error", "access_denied");
        else back.searchParams.set("code", code);
        response.writeHead(302, { Location: back.href }).end();
        return;
      }
      const answer = answers[url.pathname];
      response.writeHead(answer === undefined ? 404 : 200, { "Content-Type": "application/json" });
      response.end(JSON.stringify(answer?.(new URLSearchParams(body)) ?? {}));
    });
  });
  provider.issuer = `http://127.0.0.1:${await listen(server)}`;
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return provider;
}
