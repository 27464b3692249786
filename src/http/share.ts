/**
 * Who gets a stream where only a share of the audience does (`--stream-share`).
 *
 * Whoever comes new is drawn for. Whoever has been told to poll asks again about once a minute, and to draw
 * for them each time would in the end give everybody a stream. But as each of them asks once in that time on
 * average, those who have asked in the last minute are about as many as poll: they get a stream only where
 * the streams here are fewer than the share of both. Held by share.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import { streamAgainMs } from "../frontend/words.ts";
import type { Signatures } from "../trust/signatures.ts";

/** How whoever gets no stream polls. */
export interface Polling {
  /** The pace, ms. */
  readonly everyMs: number;
  /** What is seen so long after its second still counts for it, ms: `--media-behind`. */
  readonly lateMs: number;
  readonly share: StreamShare;
  /** Absent where nobody needs a token, or there is no secret to sign with. */
  readonly signatures: Signatures | undefined;
}

/** Parts of the window in which those who poll are counted. */
const parts = 12;
const partMs = streamAgainMs / parts;

export class StreamShare {
  readonly #share: number;
  readonly #prng: Prng;
  readonly #clock: Pick<Clock, "elapsed">;
  /** How many have asked in each part of the window; a ring. */
  readonly #asked = new Array<number>(parts).fill(0);
  #part = 0;

  /** `share`: from 0, nobody, to 1, everybody. */
  constructor(share: number, prng: Prng, clock: Pick<Clock, "elapsed">) {
    this.#share = share;
    this.#prng = prng;
    this.#clock = clock;
  }

  /** Whether one who asks gets a stream, where `open` are open; `polls`: it was told to poll before. */
  admits(open: number, polls: boolean): boolean {
    if (this.#share >= 1) return true;
    if (!polls) return this.#prng.next() < this.#share;
    this.#turn();
    const at = this.#part % parts;
    this.#asked[at] = (this.#asked[at] as number) + 1;
    const polling = this.#asked.reduce((sum, count) => sum + count, 0);
    return open < Math.floor(this.#share * (open + polling));
  }

  /** Forgets those who asked before the window. */
  #turn(): void {
    const now = Math.floor(this.#clock.elapsed() / partMs);
    const passed = Math.min(parts, now - this.#part);
    for (let i = 1; i <= passed; i++) this.#asked[(now - passed + i) % parts] = 0;
    this.#part = now;
  }
}
