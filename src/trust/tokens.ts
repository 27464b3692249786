/**
 * Viewers' tokens: JWTs, checked by jose against keys that each carry their one algorithm.
 *
 * A verified token is remembered until it ends, so that a viewer's hundredth like costs a look into a map;
 * the memory is bounded in two generations and forgotten whole when keys change. What is wrong is said in
 * one line, which never repeats any part of the token.
 */
import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Clock } from "../base/clock.ts";
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
}

const tokenCharsMax = 4_096;
/** Tokens remembered in each of two generations. Beyond: verified again. */
const rememberedMax = 20_000;
/** How long a token is taken without another look at its signature, in ms. */
const rememberedMs = 5 * 60_000;

export class Tokens {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #known: Generations<Identity>;
  #rules: TokenRules;
  #remote: RemoteKeys | undefined;

  constructor(rules: TokenRules, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#known = new Generations(rememberedMax, rememberedMs);
    this.#rules = rules;
    this.reload(rules);
  }

  /** Other keys from now on. Open streams stay until their token ends. */
  reload(rules: TokenRules): void {
    this.#rules = rules;
    const { jwksUrl } = rules;
    this.#remote =
      jwksUrl === "" ? undefined : new RemoteKeys(jwksUrl, this.#clock, this.#log, () => this.#known.clear());
    this.#known.clear();
  }

  /** Whose token this is: at once when it was seen before. */
  verify(token: string): Identity | Rejection | Promise<Identity | Rejection> {
    const nowMs = this.#clock.now();
    const known = this.#known.get(token, nowMs);
    if (known) return ended(known, nowMs) ? expired() : known;
    if (token.length > tokenCharsMax) {
      return reject("unauthorized", `a token has at most ${tokenCharsMax} characters`);
    }
    return this.#check(token, nowMs);
  }

  async #check(token: string, nowMs: number): Promise<Identity | Rejection> {
    const header = headerOf(token);
    if (typeof header === "string") return reject("unauthorized", header);
    const { alg, kid } = header;
    const own = matching(this.#rules.keys, alg, kid);
    const found = this.#remote && alg !== "HS256" ? await this.#remote.find(alg, kid) : [];
    const keys = [...own, ...found];
    if (keys.length === 0) {
      if (this.#remote && !this.#remote.known) {
        return reject("unavailable", "the keys that tokens are checked with cannot be fetched", 5);
      }
      return reject("unauthorized", "no key here fits this token");
    }
    let refusal = reject("unauthorized", "the token's signature is wrong");
    for (const key of keys) {
      const claims = await this.#claims(token, key, nowMs);
      if (typeof claims !== "string") return this.#remember(token, claims, nowMs);
      if (claims !== "signature") refusal = reject("unauthorized", claims);
    }
    return refusal;
  }

  #remember(token: string, claims: Record<string, unknown>, nowMs: number): Identity | Rejection {
    const identity = identityOf(claims);
    if (typeof identity === "string") return reject("unauthorized", identity);
    this.#known.set(token, identity, nowMs);
    return identity;
  }

  /** The claims, or what is wrong; "signature" when another key may be the right one. */
  async #claims(token: string, key: TokenKey, nowMs: number): Promise<Record<string, unknown> | string> {
    const { issuer, audience } = this.#rules;
    try {
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [key.algorithm],
        currentDate: new Date(nowMs),
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

function ended({ untilMs }: Identity, nowMs: number): boolean {
  return untilMs !== undefined && untilMs <= nowMs;
}

function claimProblem(claim: string): string {
  if (claim === "nbf") return "the token is not valid yet";
  if (claim === "aud") return "the token is for another audience";
  if (claim === "iss") return "the token is from another issuer";
  return `the token's ${/^[a-z]{1,16}$/.test(claim) ? claim : "claims"} cannot be right`;
}

/** Algorithm and key id, or why this header is refused before any key is looked at. */
function headerOf(token: string): { alg: string; kid: string | undefined } | string {
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
