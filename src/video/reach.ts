/**
 * How far back a video's history reaches on this node, for those who come back: read from the log when it has
 * to be, once for all who come back at once, and never again once the log is known not to reach so far. What
 * is further back is answered at once: nothing that could be read would help.
 */
import type { Reader } from "../asking/reader.ts";
import type { Clock } from "../base/clock.ts";
import { type Entry, isClearing, shownCount } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import type { History } from "./history.ts";
import type { VideoState } from "./state.ts";

export class Reach {
  readonly #reader: Reader;
  readonly #clock: Clock;
  readonly #extending = new Map<VideoState, Promise<boolean>>();
  /** Places up to this one are too far back to be continued from, in that history: it only ever rises. */
  readonly #lost = new WeakMap<History, number>();

  constructor(reader: Reader, clock: Clock) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /**
   * Makes the history reach back to `after`, if the log still does. True when everything after that place is
   * held now.
   */
  async extend(watch: VideoState, after: number): Promise<boolean> {
    // One reading serves all who resume at once, if it reaches as far back as they need.
    for (let under = this.#extending.get(watch); under; under = this.#extending.get(watch)) await under;
    if (after >= watch.history.floor) return true;
    // Who comes from there is told so at once: nothing that could be read would help.
    if (after <= (this.#lost.get(watch.history) ?? -1)) return false;
    const reading = this.#readBack(watch, after).finally(() => this.#extending.delete(watch));
    this.#extending.set(watch, reading);
    return reading;
  }

  async #readBack(watch: VideoState, after: number): Promise<boolean> {
    const { history } = watch;
    // As far again as is asked for: else each from one place further back would have a page read.
    const far = Math.max(0, 2 * after - history.tip);
    // First, by one entry, whether the log still reaches back so far: a page costs hundreds of times as much.
    const place = await this.#reader.state(watch.video, far, 1);
    if ("rejected" in place || !place.lineage.same(watch.lineage)) return false;
    let begin = place.page.floor;
    const entries: Entry[] = [];
    for (let from = begin; begin <= after && from < history.floor; ) {
      const state = await this.#reader.state(watch.video, from, limits.pageEntriesMax);
      if ("rejected" in state || !state.lineage.same(watch.lineage)) return false;
      if (watch.history !== history) return false;
      if (state.page.floor > from) {
        begin = state.page.floor;
        entries.length = 0;
      }
      entries.push(...state.page.entries);
      const over = entries.length - limits.historyEntriesMax;
      if (over > 0) begin = entries.splice(0, over).at(-1)?.seq ?? begin;
      const last = entries.at(-1);
      if (!state.page.more || !last) break;
      from = last.seq;
    }
    // Nobody is led back over a deletion: who comes from before it is told of it.
    const clearing = entries.findLastIndex(isClearing);
    const cleared = entries.splice(0, clearing + 1).at(-1);
    if (cleared) {
      watch.clearedAt = Math.max(watch.clearedAt, cleared.seq);
      begin = Math.max(begin, cleared.seq);
    }
    if (begin > after) {
      this.#lost.set(history, begin - 1);
      return false;
    }
    const older = entries.filter(({ seq }) => seq <= history.floor);
    // What is older than the history has been shown by now; were it not, nobody may have it from here.
    if (shownCount(older, this.#clock.date()) < older.length) return false;
    if (begin < history.floor) history.prepend(older, begin);
    return true;
  }
}
