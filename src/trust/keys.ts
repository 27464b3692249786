/**
 * API keys: how servers and people who run this one prove who they are.
 *
 * A key is `NAME:SCOPES:KEY`, as in `studio:publish:3f9c…` or `desk:moderate+watch:77ab…`. Scopes are
 * watch, publish (like and comment in anybody's name), moderate, metrics, admin (everything). What is kept is
 * a hash of each key, and a key that is given is compared with all of them in constant time. Held by
 * settings/access.test.ts and http/auth.test.ts.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Identity, Right } from "./identity.ts";

/** Bytes of a key that cannot be guessed: 16 random ones, in any common spelling, have more. */
const keyCharsMin = 16;
/** What is tried first wherever keys are guessed. */
const triedFirst = new RegExp(
  [
    "pass(word|wort|w0rd|phrase)?|secret|admin(istrator)?|change|root|letmein|welcome|super|default|example",
    "ovation|token|test|key|qwerty(uiop)?|asdfgh(jkl)?|zxcvbn(m)?",
  ].join("|"),
  "g",
);
/** Characters at least, without those words, repeats and runs like 1234: 16 random ones of hex have more. */
const leftMin = 6;
const better = "try openssl rand -base64 24";
const keysMax = 256;
const scopes: Readonly<Record<string, readonly Right[]>> = {
  watch: ["watch"],
  publish: ["like", "comment"],
  moderate: ["watch", "moderate"],
  metrics: ["metrics"],
  admin: ["watch", "like", "comment", "moderate", "metrics", "admin"],
};
const linePattern = /^([A-Za-z0-9_-]{1,32}):([a-z+]{1,64}):([\x21-\x7e]{1,512})$/;

interface Entry {
  readonly digest: Uint8Array;
  readonly identity: Identity;
  readonly isTokenLike: boolean;
}

export class ApiKeys {
  readonly #entries: readonly Entry[];
  /** Whether one of them has two dots, as tokens do. */
  readonly someLikeTokens: boolean;

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    this.someLikeTokens = entries.some(({ isTokenLike }) => isTokenLike);
  }

  /**
   * Reads keys, one an item; `adminKey` is one more with every scope, or "". Answers the keys or what is
   * wrong, one line per mistake, without showing a key.
   */
  static read(
    items: readonly string[],
    adminKey: string,
  ): ApiKeys | { readonly mistakes: readonly string[] } {
    const entries = adminKey === "" ? [] : [entryOf("admin", ["admin"], adminKey)];
    const mistakes: string[] = [];
    const weak = adminKey === "" ? undefined : weakness("--admin-key", adminKey);
    if (weak) mistakes.push(weak);
    const names = new Set<string>();
    for (const [index, item] of items.entries()) {
      const read = parse(item, names);
      if (typeof read === "string") mistakes.push(`API key ${index + 1}: ${read}`);
      else entries.push(read);
    }
    if (entries.length > keysMax) mistakes.push(`at most ${keysMax} API keys`);
    return mistakes.length > 0 ? { mistakes } : new ApiKeys(entries);
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Whether somebody could prove to be an administrator. */
  has(right: Right): boolean {
    return this.#entries.some(({ identity }) => identity.rights.has(right));
  }

  /** Whether the key that `proof` names is one of these. */
  stands(proof: string): boolean {
    return this.#entries.some(({ identity }) => identity.proof === proof);
  }

  /** Whose key `given` is. Every key is looked at, whichever fits. */
  find(given: string): Identity | undefined {
    if (this.#entries.length === 0) return undefined;
    const digest = digestOf(given);
    let found: Identity | undefined;
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.identity;
    return found;
  }
}

function parse(item: string, names: Set<string>): Entry | string {
  const [, name = "", words = "", key = ""] = linePattern.exec(item) ?? [];
  if (name === "") return "must be NAME:SCOPES:KEY, like studio:publish:…";
  if (names.has(name)) return `the name ${name} is taken`;
  names.add(name);
  const given = words.split("+");
  const unknown = given.find((word) => !Object.hasOwn(scopes, word));
  if (unknown !== undefined) return `no scope "${unknown}": they are ${Object.keys(scopes).join(", ")}`;
  const holder = `the key of ${name}`;
  if (key.length < keyCharsMin) return tooShort(holder);
  const weak = given.includes("admin") ? weakness(holder, key) : undefined;
  if (weak) return weak;
  return entryOf(name, given, key);
}

/** Why the key that may do everything can be guessed, without showing it; undefined when none is seen. */
function weakness(name: string, key: string): string | undefined {
  if (key.length < keyCharsMin) return tooShort(name);
  return unguessed(key) < leftMin ? `${name} can be guessed: ${better}` : undefined;
}

/** Characters of `key` that no common word, no repeat and no neighbour gives away. */
function unguessed(key: string): number {
  const left = key.toLowerCase().replace(triedFirst, "");
  const starts = [...left].map((_, index) => index);
  const repeated = starts.find((from) => from > 0 && left.startsWith(left.slice(from)));
  const once = left.slice(0, repeated);
  const follows = (index: number): boolean =>
    index > 0 && Math.abs(once.charCodeAt(index) - once.charCodeAt(index - 1)) <= 1;
  return starts.slice(0, once.length).filter((index) => !follows(index)).length;
}

function tooShort(name: string): string {
  return `${name} has less than ${keyCharsMin} characters: ${better}`;
}

function entryOf(name: string, given: readonly string[], key: string): Entry {
  const digest = digestOf(key);
  const rights = new Set(given.flatMap((word) => scopes[word] ?? []));
  const identity: Identity = {
    by: "key",
    sub: name,
    name: undefined,
    roles: [],
    untilMs: undefined,
    rights,
    videos: undefined,
    proof: digest.toString("base64url"),
  };
  return { digest, identity, isTokenLike: key.split(".").length === 3 };
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
