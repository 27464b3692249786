/**
 * The keys that viewers' tokens are verified with: secrets, public keys from a file, or a JWKS at a URL.
 *
 * A key comes with the one algorithm it may be used for, so a token cannot choose how it is checked. A JWKS
 * is fetched when it is old or a token names a key it lacks, a few times at once and then once in
 * `refreshMs`; while it cannot be fetched, the keys known last stay good. tokens.test.ts holds all of it.
 */
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { type Clock, type Elapsed, longAgo } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { Rate } from "./rate.ts";

/** What a token may be signed with. Nothing else is ever tried. */
export const algorithms = ["HS256", "RS256", "ES256", "EdDSA"] as const;
export type Algorithm = (typeof algorithms)[number];

export interface TokenKey {
  readonly algorithm: Algorithm;
  readonly id: string | undefined;
  readonly key: KeyObject | Uint8Array;
  /** The key's name in this process, which tells nothing of it. */
  readonly proof: string;
}

/** A secret shorter than this can be guessed offline from one token (RFC 7518, section 3.2). */
export const secretBytesMin = 32;
/** Secrets at once: each is tried on a token that none of them made. Beyond: refused at the start. */
export const secretsMax = 8;
const keysMax = 32;
const rsaBitsMin = 2048;
const fetchMs = 3_000;
const jwksBytesMax = 256 * 1024;
/** How long a JWKS is taken as it is, in ms. */
const freshMs = 10 * 60_000;
/** Looks at the URL in the long run, ms between two, and at once. Beyond: an unknown key is answered 503. */
const refreshMs = 15_000;
const looksAtOnce = 4;

export function secretKey(text: string): TokenKey {
  const key = new TextEncoder().encode(text);
  return { algorithm: "HS256", id: undefined, key, proof: proofOf(key) };
}

function proofOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64url");
}

/** The public keys in a file: PEM blocks, or a JWKS. Throws an Error that says what is wrong, in one line. */
export function publicKeys(text: string): readonly TokenKey[] {
  if (text.trimStart().startsWith("{")) return jwksKeys(text);
  const blocks = text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? [];
  if (blocks.length === 0) throw new Error("holds no PEM block and no JWKS");
  return blocks.map((block) => {
    if (block.includes("PRIVATE")) throw new Error("holds a private key: only public ones belong here");
    return keyOf(createPublicKey(block), undefined);
  });
}

/** The usable keys of a JWKS; those of other kinds are passed over. Throws when there is none. */
export function jwksKeys(text: string): readonly TokenKey[] {
  const { keys } = JSON.parse(text) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error("is no JWKS");
  const usable = (keys as Record<string, unknown>[]).slice(0, keysMax).flatMap((jwk) => {
    // A symmetric key in a published set would be everybody's secret.
    if (!/^(RSA|EC|OKP)$/.test(String(jwk?.kty)) || (jwk.use ?? "sig") !== "sig") return [];
    try {
      const key = createPublicKey({ key: jwk as object, format: "jwk" });
      return [keyOf(key, typeof jwk.kid === "string" ? jwk.kid : undefined)];
    } catch {
      return [];
    }
  });
  if (usable.length === 0) throw new Error("holds no key for RS256, ES256 or EdDSA");
  return usable;
}

function keyOf(key: KeyObject, id: string | undefined): TokenKey {
  const details = key.asymmetricKeyDetails;
  const proof = proofOf(key.export({ type: "spki", format: "der" }));
  if (key.asymmetricKeyType === "ed25519") return { algorithm: "EdDSA", id, key, proof };
  if (key.asymmetricKeyType === "rsa") {
    if ((details?.modulusLength ?? 0) < rsaBitsMin) throw new Error(`RSA keys need ${rsaBitsMin} bits`);
    return { algorithm: "RS256", id, key, proof };
  }
  if (key.asymmetricKeyType === "ec" && /^(prime256v1|P-256)$/.test(details?.namedCurve ?? "")) {
    return { algorithm: "ES256", id, key, proof };
  }
  throw new Error("holds a key that is not RSA, P-256 or Ed25519");
}

/** A JWKS at a URL. */
export class RemoteKeys {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changed: () => void;
  #keys: readonly TokenKey[] = [];
  readonly #looks = new Rate(1_000 / refreshMs, looksAtOnce, 1);
  #fetchedAt: Elapsed = longAgo;
  #fetching: Promise<void> | undefined;

  /** `changed` is called when keys came or went. Nothing is fetched before the first token. */
  constructor(url: string, clock: Clock, log: Log, changed: () => void) {
    this.#url = url;
    this.#clock = clock;
    this.#log = log;
    this.#changed = changed;
  }

  /** The keys of now. */
  get keys(): readonly TokenKey[] {
    return this.#keys;
  }

  /**
   * Keys that may have made a token with this header, after a look at the URL if that could help; undefined
   * when there is none here and that could not be looked up now.
   */
  async find(algorithm: string, id: string | undefined): Promise<readonly TokenKey[] | undefined> {
    const askedAt = this.#clock.elapsed();
    const isLacking = matching(this.#keys, algorithm, id).length === 0;
    const isOld = askedAt - this.#fetchedAt >= freshMs;
    if ((isLacking || isOld) && !this.#fetching && this.#looks.take("", 1, askedAt) === 0) {
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
    }
    // Old keys serve while new ones are on their way; only who would be refused waits.
    if (isLacking && this.#fetching) await this.#fetching;
    const found = matching(this.#keys, algorithm, id);
    return found.length > 0 || this.#fetchedAt >= askedAt ? found : undefined;
  }

  async #fetch(): Promise<void> {
    const abort = new AbortController();
    const late = this.#clock.after(fetchMs, () => abort.abort());
    try {
      const answer = await fetch(this.#url, { signal: abort.signal, redirect: "error" });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      const text = await answer.text();
      if (text.length > jwksBytesMax) throw new Error("is too large");
      const before = new Set(this.#keys.map(({ proof }) => proof));
      this.#keys = jwksKeys(text);
      this.#fetchedAt = this.#clock.elapsed();
      const isSame = this.#keys.length === before.size && this.#keys.every(({ proof }) => before.has(proof));
      if (!isSame) this.#changed();
    } catch (error) {
      const reason = abort.signal.aborted ? `no answer within ${fetchMs} ms` : (error as Error).message;
      this.#log.warn("token keys cannot be fetched", { url: this.#url, reason, known: this.#keys.length });
    } finally {
      late.cancel();
    }
  }
}

/** Those of `keys` that may have made a token of this algorithm that names `id`. */
export function matching(
  keys: readonly TokenKey[],
  algorithm: string,
  id: string | undefined,
): readonly TokenKey[] {
  return keys.filter(
    (key) => key.algorithm === algorithm && (id === undefined || key.id === undefined || key.id === id),
  );
}
