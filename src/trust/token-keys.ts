/**
 * The keys that viewers' tokens are verified with: secrets, public keys from a file, or a JWKS at a URL.
 *
 * The distinction it rests on: a key comes with the one algorithm it may be used for, so a token cannot
 * choose how it is checked. A JWKS is fetched when it is old or a token names a key it lacks, never more
 * often than once in `refreshMs`; while it cannot be fetched, the keys known last stay good.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

/** What a token may be signed with. Nothing else is ever tried. */
export const algorithms = ["HS256", "RS256", "ES256", "EdDSA"] as const;
export type Algorithm = (typeof algorithms)[number];

export interface TokenKey {
  readonly algorithm: Algorithm;
  readonly id: string | undefined;
  readonly key: KeyObject | Uint8Array;
}

/** A secret shorter than this can be guessed offline from one token (RFC 7518, section 3.2). */
export const secretBytesMin = 32;
const keysMax = 32;
const rsaBitsMin = 2048;
const fetchMs = 3_000;
const jwksBytesMax = 256 * 1024;
/** How long a JWKS is taken as it is, and the least time between two looks, in ms. */
const freshMs = 10 * 60_000;
const refreshMs = 15_000;

export function secretKey(text: string): TokenKey {
  return { algorithm: "HS256", id: undefined, key: new TextEncoder().encode(text) };
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
  if (key.asymmetricKeyType === "ed25519") return { algorithm: "EdDSA", id, key };
  if (key.asymmetricKeyType === "rsa") {
    if ((details?.modulusLength ?? 0) < rsaBitsMin) throw new Error(`RSA keys need ${rsaBitsMin} bits`);
    return { algorithm: "RS256", id, key };
  }
  if (key.asymmetricKeyType === "ec" && /^(prime256v1|P-256)$/.test(details?.namedCurve ?? "")) {
    return { algorithm: "ES256", id, key };
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
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #triedMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  /** `changed` is called when keys came or went. Nothing is fetched before the first token. */
  constructor(url: string, clock: Clock, log: Log, changed: () => void) {
    this.#url = url;
    this.#clock = clock;
    this.#log = log;
    this.#changed = changed;
  }

  /** Whether keys were ever had. */
  get known(): boolean {
    return this.#keys.length > 0;
  }

  /** Keys that may have made a token with this header, after a look at the URL if that could help. */
  async find(algorithm: string, id: string | undefined): Promise<readonly TokenKey[]> {
    const nowMs = this.#clock.now();
    const lacking = matching(this.#keys, algorithm, id).length === 0;
    const mayTry = nowMs - this.#triedMs >= refreshMs;
    if (mayTry && (lacking || nowMs - this.#fetchedMs >= freshMs)) {
      this.#triedMs = nowMs;
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
    }
    // Old keys serve while new ones are on their way; only who would be refused waits.
    if (lacking && this.#fetching) await this.#fetching;
    return matching(this.#keys, algorithm, id);
  }

  async #fetch(): Promise<void> {
    const abort = new AbortController();
    const late = this.#clock.after(fetchMs, () => abort.abort());
    try {
      const answer = await fetch(this.#url, { signal: abort.signal, redirect: "error" });
      if (!answer.ok) throw new Error(`answered ${answer.status}`);
      const text = await answer.text();
      if (text.length > jwksBytesMax) throw new Error("is too large");
      const keys = jwksKeys(text);
      this.#keys = keys;
      this.#fetchedMs = this.#clock.now();
      this.#changed();
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
