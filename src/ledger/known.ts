/**
 * What a dispatcher knows of the end of a log: by place, a fingerprint of what stands there.
 *
 * A log that came back older gives its numbers out once more, so its length proves nothing; what stands at
 * the last places known does. Bounded: of a log that lost more than is known here, nothing is taken for
 * proven. known.test.ts holds what is concluded from what.
 */
import { type Hash64, hash64 } from "../core/hash.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";

interface Place {
  readonly branch: string;
  readonly print: string;
}

const decoder = new TextDecoder();
const hash: Hash64 = { hi: 0, lo: 0 };

/** Stands for a message: what lies where, never when. */
export function printOf(subject: string, payload: Uint8Array): string {
  hash64(subject, decoder.decode(payload), hash);
  return `${hash.hi.toString(16)}-${hash.lo.toString(16)}`;
}

export class Known {
  /** Lowest first, but for messages that were told late. */
  readonly #places = new Map<number, Place>();
  #newest = 0;

  /** The highest place; 0: none. */
  get newest(): number {
    return this.#newest;
  }

  /** What stands at `seq`; undefined when that is not known. */
  at(seq: number): string | undefined {
    return this.#places.get(seq)?.print;
  }

  /** Notes what stands at `seq`, as long as the newest branch is `branch`. */
  note(seq: number, print: string, branch: string): void {
    this.#places.set(seq, { branch, print });
    this.#newest = Math.max(this.#newest, seq);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= limits.knownPlacesMax) break;
      this.#places.delete(oldest);
    }
  }

  /** What is known now, the highest place first. */
  newestFirst(): (readonly [seq: number, print: string])[] {
    return [...this.#places].map(([seq, { print }]) => [seq, print] as const).sort(([a], [b]) => b - a);
  }

  /** Forgets what does not lie on `lineage`. */
  turn(lineage: Lineage): void {
    this.#newest = 0;
    for (const [seq, { branch }] of this.#places) {
      if (lineage.continues({ branch, seq })) this.#newest = Math.max(this.#newest, seq);
      else this.#places.delete(seq);
    }
  }
}

/** Where a log stands, as its leader says. */
export interface Standing {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** What became of a log since it was known. */
export type Verdict =
  /** It goes on. */
  | { readonly whole: true }
  /** From `first` on it is another one; with `alone`, nothing before that is left either. */
  | { readonly whole: false; readonly first: number; readonly alone: boolean };

/**
 * Compares a log with what was known of it, the highest place first, before it was asked where it stands:
 * what is heard of later may lie behind that. `printAt` reads what stands at a place, undefined when nothing
 * does. A place may be empty for good reasons (a removal, history that was let go), so only a place that
 * differs, or lies beyond the end, proves a break.
 */
export async function compare(
  known: ReturnType<Known["newestFirst"]>,
  { firstSeq, lastSeq }: Standing,
  printAt: (seq: number) => Promise<string | undefined>,
): Promise<Verdict> {
  const [newest = 0] = known[0] ?? [];
  // Whatever is let go, the newest entry of a video stays: a log that is empty was emptied.
  if (known.length > 0 && firstSeq > lastSeq && lastSeq >= newest) {
    return { whole: false, first: lastSeq + 1, alone: true };
  }
  let broken = false;
  let reads = 0;
  for (const [seq, expected] of known) {
    if (seq > lastSeq) {
      broken = true;
      continue;
    }
    if (reads++ >= limits.knownReadsMax) break;
    const print = await printAt(seq);
    if (print === expected) return broken ? { whole: false, first: seq + 1, alone: false } : { whole: true };
    if (print !== undefined) broken = true;
  }
  // Nothing of what we knew is there: whatever is there may be of any history.
  return broken ? { whole: false, first: 1, alone: false } : { whole: true };
}
