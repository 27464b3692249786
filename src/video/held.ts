/**
 * Held: the stretch of one video's entries that has come and may not be shown to its audience yet.
 *
 * Entries are shown in order, so an entry's time has come when its own hold and that of all before it have
 * passed; what stands here is therefore exactly what stands behind the history's tip (held-stretch.test.ts,
 * held-order.test.ts). Moderators are shown it at once (review.ts). Bounded by limits.heldEntriesMax; the
 * watch says what happens beyond.
 */
import { type Clock, type Elapsed, later } from "../base/clock.ts";
import { added, none } from "../base/few.ts";
import { type Entry, holdLeft, holdOf } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { earlyRetractFrame, heldFrame } from "../core/sse.ts";

interface Waiting {
  readonly entry: Entry;
  /** When its time has come, in elapsed ms; never falls along the stretch. */
  readonly dueMs: number;
  /** A comment that was removed meanwhile: nobody will see it. */
  removed: boolean;
  /** What moderators are written, made when first needed. */
  text: string | undefined;
}

/**
 * When an entry that was read from the log may be shown, in elapsed ms: what is left of its hold is measured
 * by its stamp against the wall, and so off by as much as clocks differ.
 */
export function dueByStamp(entry: Entry, clock: Clock): Elapsed {
  return later(clock.elapsed(), holdLeft(entry, clock.date()));
}

/** When one that was heard live may be shown, in elapsed ms: so clocks may differ as they like. */
export function dueByHearing(entry: Entry, clock: Clock): Elapsed {
  return later(clock.elapsed(), holdOf(entry));
}

export class Held {
  #waiting: Waiting[] = none;

  /** The place of the first that waits; undefined when nothing does. */
  get first(): number | undefined {
    return this.#waiting[0]?.entry.seq;
  }

  /** The place of the last that waits; 0 when nothing does. */
  get tip(): number {
    return this.#waiting.at(-1)?.entry.seq ?? 0;
  }

  /** When the first may be shown, in elapsed ms; undefined when nothing waits. */
  get dueMs(): number | undefined {
    return this.#waiting[0]?.dueMs;
  }

  get full(): boolean {
    return this.#waiting.length >= limits.heldEntriesMax;
  }

  /** Whether there is room enough to ask for what did not fit. */
  get roomy(): boolean {
    return this.#waiting.length <= limits.heldEntriesMax / 2;
  }

  /** Adds the next entry, to be shown from `dueMs` on and behind all that wait. */
  add(entry: Entry, dueMs: number): void {
    if (entry.type === "retract") this.#remove(entry.target);
    const last = this.#waiting.at(-1)?.dueMs ?? 0;
    const waiting = { entry, dueMs: Math.max(last, dueMs), removed: false, text: undefined };
    this.#waiting = added(this.#waiting, waiting);
  }

  /** Takes out at most `max` whose time has come, in order: `passed` of them, without comments removed. */
  take(nowMs: number, max: number): { readonly passed: number; readonly entries: readonly Entry[] } {
    let passed = 0;
    while (passed < max && (this.#waiting[passed]?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) passed++;
    const taken = this.#waiting.splice(0, passed);
    return { passed, entries: taken.filter(({ removed }) => !removed).map(({ entry }) => entry) };
  }

  /**
   * What moderators are told of the entries behind `after`, in order, as text to write; `clock` says at what
   * date the audience will see them.
   */
  *texts(
    lineage: Lineage,
    after: number,
    clock: Clock,
  ): Iterable<{ readonly seq: number; readonly text: string }> {
    for (let index = this.#firstAfter(after); index < this.#waiting.length; index++) {
      const waiting = this.#waiting[index] as Waiting;
      const { entry, dueMs, removed } = waiting;
      if (!removed) {
        waiting.text ??=
          entry.type === "comment"
            ? heldFrame(lineage, entry, clock.date() + dueMs - clock.elapsed())
            : earlyRetractFrame(lineage, entry);
      }
      yield { seq: entry.seq, text: waiting.text ?? "" };
    }
  }

  #remove(target: number): void {
    const waiting = this.#waiting[this.#firstAfter(target - 1)];
    if (waiting?.entry.seq !== target || waiting.entry.type !== "comment") return;
    waiting.removed = true;
    waiting.text = undefined;
  }

  /** Index of the first entry with a seq above `seq`. */
  #firstAfter(seq: number): number {
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#waiting[middle] as Waiting).entry.seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
