/**
 * Who may do what, and how much, from settings: keys and secrets out of flags, variables and files.
 *
 * What is *wrong* (a weak secret, a file that cannot be read) is found before anything listens, and told all
 * at once, without showing a secret; what is *reloadable* (keys and secrets in files) is read again when
 * asked, and stays as it was when the new text is wrong. Held by access.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { hookSecret, hookSecretBytesMin, hookSecretsMax } from "../hooks/signature.ts";
import { Auth } from "../http/auth.ts";
import { Allowance } from "../trust/allowance.ts";
import { ApiKeys } from "../trust/keys.ts";
import { Signatures } from "../trust/signatures.ts";
import { publicKeys, secretBytesMin, secretKey, secretsMax, type TokenKey } from "../trust/token-keys.ts";
import { type TokenRules, Tokens } from "../trust/tokens.ts";
import { Words } from "../trust/words.ts";
import type { Settings } from "./config.ts";

export type ReadFile = (path: string) => string;

/** What the settings come to: keys and secrets, or every mistake in them, one line each. */
interface Credentials {
  readonly keys: ApiKeys;
  readonly tokenKeys: readonly TokenKey[];
  readonly words: Words;
  /** What webhooks and reviews are signed with. */
  readonly hookSecrets: readonly Uint8Array[];
  /** What signs addresses in place of tokens; undefined where nobody needs one, or there is no secret. */
  readonly signatures: Signatures | undefined;
}
export type Read = Credentials | { readonly mistakes: readonly string[] };

/** Reads every key and secret that `settings` name. */
export function readCredentials(settings: Settings, readFile: ReadFile): Read {
  const mistakes: string[] = [];
  const file = (flag: string, path: string): string => {
    if (path === "") return "";
    try {
      return readFile(path);
    } catch (error) {
      mistakes.push(`${flag}: cannot read ${path} (${(error as { code?: string }).code ?? "unreadable"})`);
      return "";
    }
  };
  const apiKeys = [...items(settings.apiKeys), ...lines(file("--api-keys-file", settings.apiKeysFile))];
  const keys = ApiKeys.read(apiKeys, settings.adminKey);
  if ("mistakes" in keys) mistakes.push(...keys.mistakes);
  const inFile = lines(file("--jwt-secrets-file", settings.jwtSecretsFile));
  const secrets = [...items(settings.jwtSecrets), ...inFile];
  if (settings.auth === "token") mistakes.push(...weakSecrets(secrets));
  const tokenKeys = secrets.map(secretKey);
  const ofLive = items(settings.liveSecrets);
  mistakes.push(...weakSecrets(ofLive, "live secret"));
  const signing = settings.auth === "token" ? [...(ofLive.length > 0 ? ofLive : secrets)] : [];
  const signatures = signing.length > 0 ? new Signatures(signing) : undefined;
  const text = file("--jwt-keys-file", settings.jwtKeysFile);
  try {
    if (text !== "") tokenKeys.push(...publicKeys(text));
  } catch (error) {
    mistakes.push(`--jwt-keys-file: ${settings.jwtKeysFile} ${(error as Error).message}`);
  }
  const hookLines = lines(file("--webhook-secrets-file", settings.webhookSecretsFile));
  const hookSecrets = hookSecretsOf([...items(settings.webhookSecrets), ...hookLines], mistakes);
  if (settings.webhookUrls.length + settings.reviewUrl.length > 0 && hookSecrets.length === 0) {
    mistakes.push("webhooks and reviews need a secret to be signed with");
  }
  const words = wordsOf(file("--word-list", settings.wordList), mistakes);
  if (mistakes.length > 0 || "mistakes" in keys || !words) return { mistakes };
  return { keys, tokenKeys, words, hookSecrets, signatures };
}

/** The access rules of a running node. */
export class Access {
  readonly auth: Auth;
  /** Undefined with --limits=off. */
  readonly allowance: Allowance | undefined;
  /** Words that no comment may hold. */
  words: Words;
  /** What webhooks and reviews are signed with from now on. */
  hookSecrets: readonly Uint8Array[];
  signatures: Signatures | undefined;
  readonly #settings: Settings;
  readonly #tokens: Tokens | undefined;

  constructor(settings: Settings, credentials: Credentials, clock: Clock, log: Log) {
    const { keys, tokenKeys, words, hookSecrets, signatures } = credentials;
    this.words = words;
    this.signatures = signatures;
    this.hookSecrets = hookSecrets;
    this.#settings = settings;
    this.#tokens =
      settings.auth === "token" ? new Tokens(rulesOf(settings, tokenKeys), clock, log) : undefined;
    this.auth = new Auth(keys, this.#tokens);
    this.allowance = settings.limits === "on" ? new Allowance(settings) : undefined;
  }

  /** Reads files again. Answers what is wrong with them: then nothing has changed. */
  reload(readFile: ReadFile): readonly string[] {
    const read = readCredentials(this.#settings, readFile);
    if ("mistakes" in read) return read.mistakes;
    this.auth.reload(read.keys);
    this.words = read.words;
    this.hookSecrets = read.hookSecrets;
    this.signatures = read.signatures;
    this.#tokens?.reload(rulesOf(this.#settings, read.tokenKeys));
    return [];
  }
}

/** Whether anybody at all can reach and use this server: to be said loudly. */
export function isOpenToAll({ auth, host }: Settings): boolean {
  return auth === "open" && !/^(127\.|::1$|localhost$)/.test(host);
}

function rulesOf(settings: Settings, keys: readonly TokenKey[]): TokenRules {
  const { jwksUrl, jwtIssuer, jwtAudience, jwtLeewayMs } = settings;
  return { keys, jwksUrl, issuer: jwtIssuer, audience: jwtAudience, leewayMs: jwtLeewayMs };
}

function wordsOf(text: string, mistakes: string[]): Words | undefined {
  try {
    return new Words(text);
  } catch (error) {
    mistakes.push(`--word-list: ${(error as Error).message}`);
    return undefined;
  }
}

function weakSecrets(secrets: readonly string[], name = "JWT secret"): string[] {
  if (secrets.length > secretsMax) return [`at most ${secretsMax} ${name}s`];
  return secrets.flatMap((secret, index) => {
    const bytes = new TextEncoder().encode(secret).length;
    return bytes >= secretBytesMin ? [] : [tooShort(`${name} ${index + 1}`, bytes, secretBytesMin)];
  });
}

/** The secrets in `texts`; what is wrong with them is added to `mistakes`, without showing one. */
function hookSecretsOf(texts: readonly string[], mistakes: string[]): readonly Uint8Array[] {
  if (texts.length > hookSecretsMax) mistakes.push(`at most ${hookSecretsMax} webhook secrets`);
  return texts.flatMap((text, index) => {
    const secret = hookSecret(text);
    const name = `webhook secret ${index + 1}`;
    if (!secret) mistakes.push(`${name} has no base64 behind whsec_`);
    else if (secret.length < hookSecretBytesMin) {
      mistakes.push(tooShort(name, secret.length, hookSecretBytesMin));
    }
    return secret ?? [];
  });
}

function tooShort(name: string, bytes: number, bytesMin: number): string {
  return `${name} has ${bytes} bytes, it needs ${bytesMin}: try openssl rand -base64 48`;
}

function items(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Lines of a file; empty ones and those that begin with # are passed over. */
function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
