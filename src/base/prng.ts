/**
 * Randomness, passed in like time.
 *
 * Two kinds: `Prng`, seeded and repeatable, for jitter and simulation; `secret`, from the system,
 * for names that must not be guessed (a connection id lets its holder change what the stream watches).
 */

/** Repeatable random numbers. */
export interface Prng {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [low, high]. */
  between(low: number, high: number): number;
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, good enough for jitter. */
export function seededPrng(seed: number): Prng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { next, between: (low, high) => low + Math.floor(next() * (high - low + 1)) };
}

/** A `Prng` seeded by the system. */
export function systemPrng(): Prng {
  return seededPrng(crypto.getRandomValues(new Uint32Array(1))[0] ?? 1);
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/** A whole number of 52 bits that nobody can guess. */
export function secretNumber(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high >>> 12) * 2 ** 32 + low;
}

/** `length` characters of [0-9a-z] that nobody can guess (about 5.2 bits each). */
export function secret(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      // 252 = 7 × 36: bytes above it would favour the first letters.
      if (byte < 252 && text.length < length) text += alphabet[byte % 36];
    }
  }
  return text;
}
