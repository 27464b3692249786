/**
 * Viewers' tokens: JWTs, checked by jose against keys that each carry their one algorithm.
 *
 * A verified token is remembered until it ends, so that a viewer's hundredth like costs a look into a map. It
 * is remembered by its hash, for as long as the key that proved it stands, within a bound of bytes; and there
 * is one way to write each token, so that nobody has a thousand texts of one. What is wrong is said in one
 * line, which never repeats any part of the token. tokens.test.ts holds all of it.
 */
import { createHash } from "node:crypto";
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Clock, UnixMs } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { Generations } from "./generations.ts";
import { type Identity, identityOf } from "./identity.ts";
import { algorithms, matching, RemoteKeys, type TokenKey } from "./token-keys.ts";

export interface TokenRules {
  /** Secrets and public keys. */
  readonly keys: readonly TokenKey[];
  /** Where more public keys are published; "" for nowhere. */
  readonly jwksUrl: string;
  /** What `iss` and `aud` must say; "" for anything. */
  readonly issuer: string;
  readonly audience: string;
  /**
   * How far the clock of whoever made a token may be from ours, in ms: `exp` and `nbf` are taken so much
   * wider.
   */
  readonly leewayMs: number;
}

const tokenCharsMax = 4_096;
/** Bytes of tokens remembered in each of two generations, and for how long without use, in ms. */
const rememberedBytesMax = 16 * 1024 * 1024;
const rememberedMs = 5 * 60_000;
/** What a remembered token holds beside its texts, in bytes, roughly. */
const rememberedBytes = 600;
/** Public keys that are tried on one token. Beyond: it must name its key. */
const triesMax = 3;

interface Known {
  readonly who: Identity;
  readonly bytes: number;
}

export class Tokens {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #known = new Generations<Known>(rememberedBytesMax, rememberedMs, ({ bytes }) => bytes);
  #rules: TokenRules;
  #remote: RemoteKeys | undefined;
  #standing: ReadonlySet<string> = new Set();
  /** Called when keys went: who had proven something by one of them has not any more. */
  changed: () => void = () => {};

  constructor(rules: TokenRules, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#rules = rules;
    this.reload(rules);
  }

  /** Other keys from now on; what was proven by others is not any more. */
  reload(rules: TokenRules): void {
    const isSame = this.#remote !== undefined && rules.jwksUrl === this.#rules.jwksUrl;
    this.#rules = rules;
    const { jwksUrl } = rules;
    // Keys that were fetched stay while new ones are not known to be needed.
    if (!isSame) {
      this.#remote =
        jwksUrl === "" ? undefined : new RemoteKeys(jwksUrl, this.#clock, this.#log, () => this.#stand());
    }
    this.#stand();
  }

  /** Whether the key that `proof` names is still one of ours. */
  stands(proof: string): boolean {
    return this.#standing.has(proof);
  }

  /** Whose token this is: at once when it was seen before. */
  verify(token: string): Identity | Rejection | Promise<Identity | Rejection> {
    return this.known(token) ?? this.check(token);
  }

  /** Whose token this is, or why nobody's, if no signature has to be checked for it. */
  known(token: string): Identity | Rejection | undefined {
    if (token.length > tokenCharsMax) {
      return reject("unauthorized", `a token has at most ${tokenCharsMax} characters`);
    }
    const known = this.#known.get(hashOf(token), this.#clock.elapsed());
    if (!known || !this.stands(known.who.proof ?? "")) return undefined;
    return ended(known.who, this.#clock.date()) ? expired() : known.who;
  }

  /** Checks a token that is not known. */
  async check(token: string): Promise<Identity | Rejection> {
    const header = headerOf(token);
    if (typeof header === "string") return reject("unauthorized", header);
    const keys = await this.#keysFor(header);
    if ("rejected" in keys) return keys;
    let refusal = reject("unauthorized", "the token's signature is wrong");
    for (const key of keys) {
      const claims = await this.#claims(token, key);
      if (typeof claims !== "string") return this.#remember(token, claims, key);
      if (claims !== "signature") refusal = reject("unauthorized", claims);
    }
    return refusal;
  }

  async #keysFor({ alg, kid }: Header): Promise<readonly TokenKey[] | Rejection> {
    const own = matching(this.#rules.keys, alg, kid);
    const remote = this.#remote && alg !== "HS256" ? await this.#remote.find(alg, kid) : [];
    if (own.length === 0 && remote === undefined) {
      return reject("unavailable", "the keys that tokens are checked with cannot be fetched", 5);
    }
    const keys = [...own, ...(remote ?? [])];
    if (keys.length === 0) return reject("unauthorized", "no key here fits this token");
    if (alg === "HS256" || keys.length <= triesMax) return keys;
    const named = keys.filter(({ id }) => id !== undefined && id === kid);
    return named.length > 0 && named.length <= triesMax
      ? named
      : reject("unauthorized", "the token must name the key that made it, in kid");
  }

  #remember(token: string, claims: Record<string, unknown>, { proof }: TokenKey): Identity | Rejection {
    const who = identityOf(claims, this.#rules.leewayMs);
    if (typeof who === "string") return reject("unauthorized", who);
    // The key may have been taken out while its signature was looked at.
    if (!this.stands(proof)) return reject("unauthorized", "no key here fits this token");
    const proven = { ...who, proof };
    // What it holds came out of the token, of which three characters in four are text.
    this.#known.set(
      hashOf(token),
      { who: proven, bytes: rememberedBytes + token.length },
      this.#clock.elapsed(),
    );
    return proven;
  }

  #stand(): void {
    const keys = [...this.#rules.keys, ...(this.#remote?.keys ?? [])];
    const standing = new Set(keys.map(({ proof }) => proof));
    const went = [...this.#standing].some((proof) => !standing.has(proof));
    this.#standing = standing;
    if (went) this.changed();
  }

  /** The claims, or what is wrong; "signature" when another key may be the right one. */
  async #claims(token: string, key: TokenKey): Promise<Record<string, unknown> | string> {
    const { issuer, audience, leewayMs } = this.#rules;
    try {
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [key.algorithm],
        currentDate: new Date(this.#clock.date()),
        clockTolerance: leewayMs / 1000,
        ...(issuer !== "" && { issuer }),
        ...(audience !== "" && { audience }),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
      if (error instanceof errors.JWTExpired) return expired().message;
      if (error instanceof errors.JWTClaimValidationFailed) return claimProblem(error.claim);
      if (error instanceof errors.JOSEError) return "the token is malformed";
      throw error;
    }
  }
}

function expired(): Rejection {
  return reject("unauthorized", "the token has expired");
}

function ended({ untilMs }: Identity, now: UnixMs): boolean {
  return untilMs !== undefined && untilMs <= now;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}

function claimProblem(claim: string): string {
  if (claim === "nbf") return "the token is not valid yet";
  if (claim === "aud") return "the token is for another audience";
  if (claim === "iss") return "the token is from another issuer";
  return `the token's ${/^[a-z]{1,16}$/.test(claim) ? claim : "claims"} cannot be right`;
}

interface Header {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Whether `token` is written the one way it is written: no padding, no spaces, no bits that mean nothing. */
function isCanonical(token: string): boolean {
  return token.split(".").every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

/** Algorithm and key id, or why this token is refused before any key is looked at. */
function headerOf(token: string): Header | string {
  if (!isCanonical(token)) return "the token is malformed";
  try {
    const header = decodeProtectedHeader(token) as Record<string, unknown>;
    const { alg, kid } = header;
    if (typeof alg !== "string" || !(algorithms as readonly string[]).includes(alg)) {
      return `tokens are signed with ${algorithms.join(", ")}`;
    }
    // A token that brings its own key, or says where to fetch it, proves nothing.
    if (["jwk", "jku", "x5u", "x5c", "crit"].some((name) => name in header)) {
      return "the token's header may not bring keys";
    }
    if (kid !== undefined && (typeof kid !== "string" || kid.length > 256)) return "the token's kid is no id";
    return { alg, kid };
  } catch {
    return "the token is malformed";
  }
}
