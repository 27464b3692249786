/**
 * The last entries of one video on this node, each with its frame, made once and only when first written.
 *
 * A viewer that is behind holds a place in here, not bytes. Without holes between `floor` and `tip`: whoever
 * asks for what came after a place at or above `floor` gets all of it. Bounded by entries; the oldest go
 * first, and raise `floor`.
 */
import { assert } from "../base/assert.ts";
import { added, none } from "../base/few.ts";
import type { CommentEntry, Entry } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import type { Lineage } from "../core/lineage.ts";
import { bytesOf, type CommentJson, commentJson, entryFrame } from "../core/sse.ts";

interface Kept {
  readonly entry: Entry;
  /** A comment that was removed: neither replayed nor shown, its place stays. */
  removed: boolean;
  frame: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

export class History {
  #lineage: Lineage;
  readonly #max: number;
  #kept: Kept[] = none;
  #floor: number;
  #tip: number;
  #removals = 0;
  #joined: { after: number; upTo: number; bytes: Uint8Array } | undefined;

  /** `max` entries at most. Holds nothing, and knows that nothing lies between `floor` and `tip`. */
  constructor(lineage: Lineage, max: number, floor: number, tip: number) {
    this.#lineage = lineage;
    this.#max = Math.min(max, limits.historyEntriesMax);
    this.#floor = floor;
    this.#tip = Math.max(floor, tip);
  }

  /** Everything after this place is here. */
  get floor(): number {
    return this.#floor;
  }

  /** The newest place known: of the last entry, or of the log when the video had nothing newer. */
  get tip(): number {
    return this.#tip;
  }

  /** Grows with every comment that is shown no longer. */
  get removals(): number {
    return this.#removals;
  }

  /** The log has opened a branch behind all that is here: only what comes is called by it. */
  turn(lineage: Lineage): void {
    this.#lineage = lineage;
  }

  /** Adds the next entry. Its seq must be above `tip`. */
  append(entry: Entry): void {
    assert(entry.seq > this.#tip, "entries are appended in order");
    this.#kept = added(this.#kept, { entry, removed: false, frame: undefined });
    this.#tip = entry.seq;
    if (entry.type === "retract") this.#remove(entry.target);
    // Trimmed in steps, so that the cost of moving the rest is shared by many appends.
    if (this.#kept.length > this.#max + 64) {
      const cut = this.#kept.length - this.#max;
      this.#floor = (this.#kept[cut - 1] as Kept).entry.seq;
      this.#kept.splice(0, cut);
    }
  }

  /** Puts older entries before those here; they must reach up to `floor`, and begin after `newFloor`. */
  prepend(entries: readonly Entry[], newFloor: number): void {
    const older = entries.filter((entry) => entry.seq <= this.#floor);
    this.#kept = [...older.map((entry) => ({ entry, removed: false, frame: undefined })), ...this.#kept];
    this.#floor = Math.min(this.#floor, newFloor);
    for (const { entry } of this.#kept) if (entry.type === "retract") this.#remove(entry.target);
  }

  /** Shows the comment `target` no longer, before its removal has its turn. */
  remove(target: number): void {
    this.#remove(target);
  }

  /**
   * The frames of all entries with `after < seq <= upTo`, joined: the same bytes for every viewer at that
   * place.
   */
  bytes(after: number, upTo: number): Uint8Array {
    const joined = this.#joined;
    if (joined && joined.after === after && joined.upTo === upTo) return joined.bytes;
    const frames: Uint8Array[] = [];
    for (const kept of this.#between(after, upTo)) frames.push(this.#frame(kept));
    const bytes = frames.length === 1 ? (frames[0] as Uint8Array) : concat(frames);
    this.#joined = { after, upTo, bytes };
    return bytes;
  }

  /** Entries with `after < seq <= upTo`, oldest first, with the bytes to write for each. */
  *frames(after: number, upTo: number): Iterable<{ seq: number; bytes: Uint8Array }> {
    for (const kept of this.#between(after, upTo)) yield { seq: kept.entry.seq, bytes: this.#frame(kept) };
  }

  /** The comments among the entries with `after < seq <= upTo`, and what was removed. */
  changes(after: number, upTo: number): { comments: CommentJson[]; retracted: number[] } {
    const comments: CommentJson[] = [];
    const retracted: number[] = [];
    for (const { entry, removed } of this.#between(after, upTo)) {
      if (entry.type === "retract") retracted.push(entry.target);
      else if (!removed) comments.push(commentJson(this.#lineage, entry));
    }
    return { comments, retracted };
  }

  /** The newest `count` comments with a seq of at most `upTo`, oldest first. */
  latest(count: number, upTo: number): CommentJson[] {
    const found: CommentEntry[] = [];
    for (let i = this.#kept.length - 1; i >= 0 && found.length < count; i--) {
      const { entry, removed } = this.#kept[i] as Kept;
      if (entry.type === "comment" && !removed && entry.seq <= upTo) found.push(entry);
    }
    return found.reverse().map((entry) => commentJson(this.#lineage, entry));
  }

  /** The places of the comments that the newest `count` removals took away, the newest first. */
  latestRemoved(count: number): number[] {
    const found: number[] = [];
    for (let i = this.#kept.length - 1; i >= 0 && found.length < count; i--) {
      const { entry } = this.#kept[i] as Kept;
      if (entry.type === "retract") found.push(entry.target);
    }
    return found;
  }

  /** The seq of the first entry behind `after`, if there is one. */
  next(after: number): number | undefined {
    return this.#kept[this.#firstAfter(after)]?.entry.seq;
  }

  #between(after: number, upTo: number): Kept[] {
    return this.#kept.slice(this.#firstAfter(after), this.#firstAfter(upTo));
  }

  /** Index of the first entry with a seq above `seq`. */
  #firstAfter(seq: number): number {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#kept[middle] as Kept).entry.seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #frame(kept: Kept): Uint8Array {
    if (kept.removed) return nothing;
    kept.frame ??= bytesOf(entryFrame(this.#lineage, kept.entry));
    return kept.frame;
  }

  #remove(target: number): void {
    const kept = this.#kept[this.#firstAfter(target - 1)];
    if (kept?.entry.seq !== target || kept.entry.type !== "comment") return;
    if (!kept.removed) this.#removals++;
    kept.removed = true;
    kept.frame = undefined;
    this.#joined = undefined;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
