/**
 * `ovation token`: makes a token for a viewer, or explains one: what it says, and what would refuse it.
 *
 * For trying things out and for small sites; a site with accounts makes tokens itself, with any JWT library.
 * Explaining needs no key, and says so when a signature was not checked.
 */
import { createPrivateKey, randomBytes } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import type { Clock } from "../base/clock.ts";
import { duration, listOf, matching, oneLine } from "../settings/kinds.ts";
import { defineSettings, group, type Parsed, parseTable, type SettingsOf } from "../settings/table.ts";
import { helpText } from "../settings/text.ts";
import { identityOf } from "../trust/identity.ts";
import { secretBytesMin } from "../trust/token-keys.ts";

const video = matching(
  /^([A-Za-z0-9_-]{1,64}|[A-Za-z0-9_-]{0,63}\*)$/,
  "an id, or a beginning with *",
  "video",
);
const right = matching(/^(watch|like|comment|moderate)$/, "one of watch, like, comment, moderate", "right");
const role = matching(/^[^,\s]{1,128}$/, "a word", "role");
const path = oneLine(4_096, "path");

export const tokenTable = defineSettings({
  command: "ovation token",
  about: "Makes a token for a viewer of a server with --auth=token, or explains one.",
  prefix: "OVATION_TOKEN_",
  foreignPrefixes: [],
  rows: {
    ...group("Token", {
      video: {
        kind: listOf(video, 1, 100),
        fallback: "*",
        help: "videos it is for: ids, or beginnings like match-*",
      },
      can: { kind: listOf(right, 1, 4), fallback: "watch,like,comment", help: "what its holder may do" },
      sub: { kind: oneLine(128), fallback: "", fallbackShown: "a random one", help: "the viewer's id" },
      name: { kind: oneLine(64), fallback: "", fallbackShown: "none", help: "the name others see" },
      roles: {
        kind: listOf(role, 0, 100),
        fallback: "",
        help: "words for videos on which only some may comment",
      },
      ttlMs: { kind: duration(1_000, 365 * 86_400_000), fallback: "1h", help: "how long it lasts" },
      issuer: { kind: oneLine(256), fallback: "", help: "its iss" },
      audience: { kind: oneLine(256), fallback: "", help: "its aud" },
    }),
    ...group("Key", {
      secret: {
        kind: oneLine(1_024, "secret"),
        fallback: "",
        help: "the server's first --jwt-secrets",
        secret: true,
      },
      secretFile: { kind: path, fallback: "", help: "file with that secret on its first line" },
      keyFile: { kind: path, fallback: "", help: "private key (PEM) whose public one the server knows" },
    }),
    ...group("Explain", {
      explain: {
        kind: oneLine(8_192, "token"),
        fallback: "",
        help: "a token to explain, in place of making one",
      },
    }),
  },
  rules: [
    {
      uses: ["secret", "secretFile", "keyFile", "explain"],
      mistake: ({ secret, secretFile, keyFile, explain }) =>
        [secret, secretFile, keyFile].filter((given) => given !== "").length !== 1 && explain === ""
          ? "give one of --secret, --secret-file and --key-file (or OVATION_TOKEN_SECRET)"
          : undefined,
    },
  ],
});

export type TokenOptions = SettingsOf<typeof tokenTable.rows>;
type ReadFile = (path: string) => string;

/** Reads the flags after `token`; every mistake at once. */
export function parseTokenOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: ReadFile,
): Parsed<typeof tokenTable.rows> {
  return parseTable(tokenTable, { argv, env, readFile, machine: { suffix: "" } });
}

/** The text of `ovation token --help`. */
export function tokenHelp(): string {
  return helpText(tokenTable, "\nExample: ovation token --video=final --name=Ada --secret-file=secret.txt\n");
}

/** The token. Rejects with an Error of one line when the key cannot be used. */
export async function mint(options: TokenOptions, nowMs: number, readFile: ReadFile): Promise<string> {
  const { key, alg } = signingKey(options, readFile);
  const nowS = Math.floor(nowMs / 1000);
  const { name, roles, issuer, audience } = options;
  const token = new SignJWT({
    ...(name !== "" && { name }),
    videos: [...options.video],
    can: [...options.can],
    ...(roles.length > 0 && { roles: [...roles] }),
  })
    .setProtectedHeader({ alg, typ: "JWT" })
    .setSubject(options.sub || `viewer-${randomBytes(6).toString("hex")}`)
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + Math.ceil(options.ttlMs / 1000));
  if (issuer !== "") token.setIssuer(issuer);
  if (audience !== "") token.setAudience(audience);
  return token.sign(key);
}

function signingKey({ secret, secretFile, keyFile }: TokenOptions, readFile: ReadFile) {
  if (keyFile !== "") {
    const key = createPrivateKey(readFile(keyFile));
    const alg = new Map([
      ["rsa", "RS256"],
      ["ec", "ES256"],
      ["ed25519", "EdDSA"],
    ]).get(key.asymmetricKeyType ?? "");
    if (!alg) throw new Error(`${keyFile} is no RSA, P-256 or Ed25519 key`);
    return { key, alg };
  }
  const text = secret || (readFile(secretFile).split("\n")[0] ?? "").trim();
  const key = new TextEncoder().encode(text);
  if (key.length < secretBytesMin)
    throw new Error(`a secret needs ${secretBytesMin} bytes, this has ${key.length}`);
  return { key, alg: "HS256" };
}

/** What a token says, line by line, for people; undefined for what is none. Checks no signature. */
export function explain(token: string, nowMs: number): string | undefined {
  let claims: Record<string, unknown>;
  let alg: unknown;
  try {
    claims = decodeJwt(token);
    alg = decodeProtectedHeader(token).alg;
  } catch {
    return undefined;
  }
  const who = identityOf(claims, 0);
  const lines = [`signed with   ${String(alg)} (not checked here)`];
  for (const [name, value] of Object.entries(claims))
    lines.push(`${name.padEnd(13)} ${said(name, value, nowMs)}`);
  if (typeof who === "string") lines.push(`refused       ${who}`);
  else {
    const videos = who.videos
      ? [...who.videos.exact, ...who.videos.prefixes.map((prefix) => `${prefix}*`)].join(", ")
      : "every video";
    lines.push(`so it may     ${[...who.rights].join(", ") || "do nothing"}: ${videos}`);
    if ((who.untilMs ?? 0) <= nowMs) lines.push("refused       the token has expired");
  }
  return `${lines.join("\n")}\n`;
}

function said(name: string, value: unknown, nowMs: number): string {
  const isTime = /^(exp|nbf|iat)$/.test(name) && typeof value === "number" && Math.abs(value) < 8.64e12;
  if (!isTime) return JSON.stringify(value);
  const leftS = Math.round(value - nowMs / 1000);
  const when = leftS >= 0 ? `in ${leftS} s` : `${-leftS} s ago`;
  return `${new Date(value * 1000).toISOString()} (${when})`;
}

/** What `ovation token` is given of the process. */
export interface TokenIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "date">;
  print(text: string): void;
  complain(text: string): void;
  readFile(path: string): string;
}

/** Makes a token, or explains one; resolves with the exit code. */
export async function runToken(flags: readonly string[], io: TokenIo): Promise<number> {
  const mistaken = (mistakes: readonly string[]): number => {
    for (const mistake of mistakes) io.complain(`ovation: ${mistake}\n`);
    return 2;
  };
  const parsed = parseTokenOptions(flags, io.env, io.readFile);
  if ("mistakes" in parsed) return mistaken(parsed.mistakes);
  const options = parsed.settings;
  try {
    const nowMs = io.clock.date();
    const text = options.explain
      ? explain(options.explain, nowMs)
      : `${await mint(options, nowMs, io.readFile)}\n`;
    if (text === undefined) return mistaken(["--explain is no JWT"]);
    io.print(text);
    return 0;
  } catch (error) {
    return mistaken([(error as Error).message]);
  }
}
