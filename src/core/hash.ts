/**
 * The 64-bit hash that stands for an idempotency key in the log.
 *
 * Two 32-bit lanes of multiply-and-xor over UTF-16 units with a final avalanche (the shape of
 * cyrb53 by bryc, public domain, kept at its full 64 bits). It must give the same value on every node and
 * runtime, so it is ours and not the runtime's. At 1.2 million keys in the window the chance that a
 * new key meets a stranger is about 7e-14.
 */

/** Receives the two halves, so that hashing allocates nothing. */
export interface Hash64 {
  hi: number;
  lo: number;
}

/** What was hashed last: a like is hashed where it is let in, and again where it goes into its record. */
const last = { scope: "", text: "", hi: 0, lo: 0 };
compute("", "", last);

/** Hashes `scope`, a separator and `text` into `out`, as two unsigned 32-bit halves. */
export function hash64(scope: string, text: string, out: Hash64): void {
  if (text !== last.text || scope !== last.scope) {
    compute(scope, text, last);
    last.scope = scope;
    last.text = text;
  }
  out.hi = last.hi;
  out.lo = last.lo;
}

function compute(scope: string, text: string, out: Hash64): void {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < scope.length; i++) {
    const unit = scope.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ 0x10000, 2654435761);
  b = Math.imul(b ^ 0x10000, 1597334677);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  out.hi = b >>> 0;
  out.lo = a >>> 0;
}

/** Which of `lanes` parts of the log likes of a video go to: part of its format, so it never changes. */
export function laneOf(video: string, lanes: number): number {
  return hash32(video) % lanes;
}

/** FNV-1a over UTF-16 units, 32 bits: for partitions and rendezvous weights, not for keys. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  return h >>> 0;
}
