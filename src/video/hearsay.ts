/**
 * Hearsay: ticks as they come over the bus. Whoever may publish there can say anything; the log alone knows.
 *
 * So a tick is taken only as far as it can be true: its numbers are bounded where it is read, kinds that are
 * not configured are left out, and one that is far beyond all that is known makes the log be asked instead of
 * being believed (`leaps` in state.ts). What is nearer is shown at once and stands until the log is asked the
 * next time, within seconds: if the log then holds less than was heard before it was asked, the video begins
 * anew from what the log holds. hearsay.test.ts holds that, and over a real server cluster-peer.test.ts.
 */
import type { Elapsed } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { onlyKinds } from "../core/totals.ts";
import { decodeTick, type State, type Tick } from "../core/wire.ts";
import type { Contradiction, Heard, VideoState } from "./state.ts";

export class Hearsay {
  readonly #kinds: ReadonlySet<string>;
  /** Watches of whose comments the log seems to hold less than was heard, and since when. */
  readonly #doubted = new WeakMap<VideoState, Elapsed>();

  /** Of other kinds nothing is shown. */
  constructor(kinds: ReadonlySet<string>) {
    this.#kinds = kinds;
  }

  /**
   * Of what the log holds less than was `heard` when it was asked, if it does. Of comments that counts only
   * once it has been so for as long as a dispatcher may take to notice that the log has lost its end, which
   * says more; until then it is "doubted", and to be asked again.
   */
  judge(watch: VideoState, state: State, heard: Heard, now: Elapsed): Contradiction | "doubted" | undefined {
    const found = watch.contradiction(state, heard);
    const since = this.#doubted.get(watch) ?? now;
    if (found === "comments") this.#doubted.set(watch, since);
    else this.#doubted.delete(watch);
    return found === "comments" && now - since < limits.lineageCheckMs ? "doubted" : found;
  }

  /** The tick in `payload`; undefined when it is none. */
  tick(payload: Uint8Array, video: VideoId): Tick | undefined {
    const tick = decodeTick(payload, video);
    if (!tick) return undefined;
    const counts = onlyKinds(tick.totals.counts, this.#kinds);
    const by = tick.by.every(({ kind }) => this.#kinds.has(kind))
      ? tick.by
      : tick.by.filter(({ kind }) => this.#kinds.has(kind));
    if (counts === tick.totals.counts && by === tick.by) return tick;
    return { ...tick, totals: { ...tick.totals, counts }, by };
  }
}
