/**
 * The settings of who may do what, and how much: rows and rules of the table in config.ts.
 */
import { videosPattern } from "../trust/identity.ts";
import { accepted, choice, duration, listOf, matching, oneLine, wholeNumber } from "./kinds.ts";

const pathCharsMax = 4_096;
const secretCharsMax = 1_024;
const secretsCharsMax = 16_384;
const path = oneLine(pathCharsMax, "path");
const secretText = oneLine(secretCharsMax, "secret");
const origin = accepted(
  "an origin like https://example.com or capacitor://localhost, null, or *",
  "origin",
  isOrigin,
);
const webAddress = accepted("an address like https://example.com/keys, or nothing", "url", isWebAddress);

export const accessRows = {
  corsOrigins: {
    kind: listOf(origin, 0, 256),
    fallback: "",
    fallbackShown: "same origin only",
    help: "web origins whose pages may call this server; * alone allows all",
  },
  adminKey: {
    kind: secretText,
    fallback: "",
    help: "key of the admin calls, 16 characters or more; without one they are off",
    secret: true,
  },
  apiKeys: {
    kind: oneLine(secretsCharsMax, "name:scopes:key,…"),
    fallback: "",
    help: "keys of servers and people, scopes joined by +: watch, publish, moderate, metrics, admin",
    secret: true,
  },
  apiKeysFile: { kind: path, fallback: "", help: "file of more --api-keys, one a line" },
  auth: {
    kind: choice("open", "token"),
    fallback: "open",
    help: "open lets anybody watch, like and comment; token asks everybody for a token",
  },
  jwtSecrets: {
    kind: oneLine(secretsCharsMax, "secret,…"),
    fallback: "",
    help: "secrets of HS256 tokens; the first one makes tokens, all are taken, so they can be rotated",
    secret: true,
  },
  jwtSecretsFile: { kind: path, fallback: "", help: "file of more --jwt-secrets, one a line" },
  jwtKeysFile: {
    kind: path,
    fallback: "",
    help: "public keys of RS256, ES256 and EdDSA tokens: a PEM file or a JWKS",
  },
  jwksUrl: { kind: webAddress, fallback: "", help: "where public keys of tokens are published as a JWKS" },
  jwtIssuer: { kind: oneLine(256), fallback: "", fallbackShown: "any", help: "what a token's iss must say" },
  jwtAudience: {
    kind: oneLine(256),
    fallback: "",
    fallbackShown: "any",
    help: "what a token's aud must say",
  },
  jwtLeewayMs: {
    kind: duration(0, 300_000),
    fallback: "5s",
    help: "how far a token maker's clock may be from this one: exp and nbf are taken so much wider",
  },
  tlsCert: { kind: path, fallback: "", help: "certificate chain (PEM): turns HTTPS and HTTP/2 on" },
  tlsKey: { kind: path, fallback: "", help: "key of that certificate (PEM)" },
  adminPort: {
    kind: wholeNumber(0, 65_535),
    fallback: "0",
    fallbackShown: "none",
    help: "port of its own for health, metrics and admin, which --port then no longer answers",
  },
  adminHost: {
    kind: matching(/^[A-Za-z0-9.:_-]{1,255}$/, "an address or a host name", "address"),
    fallback: "127.0.0.1",
    help: "address of --admin-port",
  },
  wordList: {
    kind: path,
    fallback: "",
    help: "file of words that no comment may hold: one a line, *part* matches inside words",
  },
  trustProxy: {
    kind: wholeNumber(0, 10),
    fallback: "0",
    help: "proxies of yours before this server: so many entries of X-Forwarded-For are believed",
  },
} as const;

const video = matching(videosPattern, "an id, or the beginning of ids and a *", "video");

export const limitRows = {
  videos: {
    kind: listOf(video, 0, 1_000),
    fallback: "",
    fallbackShown: "all ids",
    help: "videos there are, like final or match-*; calls about others get 404, so that nobody invents any",
  },
  limits: {
    kind: choice("on", "off"),
    fallback: "on",
    help: "off lifts those below, for load tests on your own machine; addresses like 127.0.0.1 have none",
  },
  viewerLikes: limit("20", "likes a second of one viewer (who has a token)"),
  viewerComments: limit("10", "comments in ten seconds of one viewer"),
  viewerStreams: limit("16", "streams of one viewer open at once on a node"),
  viewerWork: limit("200", "units of work a second of one viewer, ten times as many at once"),
  addressLikes: limit("2000", "likes a second of one address, of viewers without a token"),
  addressComments: limit("200", "comments in ten seconds of one address, of viewers without a token"),
  addressStreams: limit("200", "new streams a second of one address, ten times as many at once"),
  addressWork: limit("4000", "the same of one address: a call is a unit, what needs more of a node is more"),
  nodeStreams: limit("250000", "streams open at once on a node"),
  nodeAccepts: limit("20000", "new streams a second of a node, twice as many at once"),
  memoryMax: {
    kind: wholeNumber(0, 10_000_000),
    fallback: "0",
    fallbackShown: "80 % of the machine's",
    help: "MiB of memory from which on the node is not ready and takes no new streams",
  },
} as const;

type AccessSettings = {
  readonly auth: "open" | "token";
  readonly corsOrigins: readonly string[];
  readonly jwtSecrets: string;
  readonly jwtSecretsFile: string;
  readonly jwtKeysFile: string;
  readonly jwksUrl: string;
};

export const accessRules = [
  {
    uses: ["tlsCert", "tlsKey"],
    mistake: ({ tlsCert, tlsKey }: { readonly tlsCert: string; readonly tlsKey: string }) =>
      (tlsCert === "") !== (tlsKey === "") ? "--tls-cert and --tls-key go together" : undefined,
  },
  {
    uses: ["corsOrigins"],
    mistake: ({ corsOrigins }: AccessSettings) =>
      corsOrigins.includes("*") && corsOrigins.length > 1
        ? "--cors-origins: * stands alone, it already allows every origin"
        : undefined,
  },
  {
    uses: ["auth", "jwtSecrets", "jwtSecretsFile", "jwtKeysFile", "jwksUrl"],
    mistake: ({ auth, jwtSecrets, jwtSecretsFile, jwtKeysFile, jwksUrl }: AccessSettings) =>
      auth === "token" && jwtSecrets + jwtSecretsFile + jwtKeysFile + jwksUrl === ""
        ? "--auth=token needs --jwt-secrets, --jwt-secrets-file, --jwt-keys-file or --jwks-url"
        : undefined,
  },
] as const;

/** A row of a limit of so many. */
function limit(fallback: string, help: string) {
  return { kind: wholeNumber(1, 1_000_000_000), fallback, help };
}

function isWebAddress(text: string): boolean {
  return text === "" || /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

/** Pages of programs: their origins have no web address. */
const programOrigin =
  /^(capacitor|ionic|tauri|(chrome|moz|safari-web)-extension):\/\/[\w.-]{1,255}(:\d{1,5})?$/;

function isOrigin(text: string): boolean {
  if (text === "*" || text === "null" || programOrigin.test(text)) return true;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}
