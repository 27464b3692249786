/**
 * Whether viewers saw a video's comments: all of them, once each, in one order.
 *
 * A `Places` gives every comment of one video a place, in the order this process first saw them; each
 * viewer keeps only how far along it is (`next`) and, if it ever skipped some, which (`missing`). So the
 * check is exact for every viewer at a cost of a number each, however long the run.
 *
 * First-seen order is not the true order if the very first viewer was shown comments out of order, so
 * whether a viewer saw things *in order* is judged by the number in `<branch>-<seq>` (an id of any other
 * form falls back to its place). What was accepted is known by the publishers and compared at the end.
 */

export class Places {
  readonly #places = new Map<string, number>();
  readonly #ranks: number[] = [];
  readonly #texts = new Set<string>();
  /** Comments that stand here under two ids: counted twice by the server. */
  doubled = 0;

  get size(): number {
    return this.#ranks.length;
  }

  /** The place of `comment`, given to it now if it is new. */
  place(comment: string, text?: string): number {
    const known = this.#places.get(comment);
    if (known !== undefined) return known;
    const place = this.#ranks.length;
    this.#places.set(comment, place);
    const sequence = /^[^-]+-([0-9]{1,15})$/.exec(comment);
    this.#ranks.push(sequence ? Number(sequence[1]) : place);
    if (text !== undefined) {
      if (this.#texts.has(text)) this.doubled++;
      this.#texts.add(text);
    }
    return place;
  }

  /** The place of a comment seen before; undefined if this process never saw it. */
  known(comment: string): number | undefined {
    return this.#places.get(comment);
  }

  /** What its place in the true order is compared by. */
  rank(place: number): number {
    return this.#ranks[place] ?? place;
  }
}

export type Seen = "next" | "skipped" | "late" | "disorder" | "repeat";

/** One viewer's way through the comments of its video. */
export class Reading {
  /** Every place below this was seen, except those in `missing`. */
  next = 0;
  missing: Set<number> | undefined;
  #rank = Number.NEGATIVE_INFINITY;

  /** A comment event arrived. */
  see(place: number, places: Places): Seen {
    const rank = places.rank(place);
    const late = place < this.next;
    if (late && !this.missing?.delete(place)) return "repeat";
    const inOrder = rank > this.#rank;
    if (inOrder) this.#rank = rank;
    if (late) return inOrder ? "late" : "disorder";
    const skipped = place > this.next;
    for (let hole = this.next; hole < place; hole++) this.#miss(hole);
    this.next = place + 1;
    return inOrder ? (skipped ? "skipped" : "next") : "disorder";
  }

  /**
   * A snapshot showed these comments, the newest of the video. With `fresh` the viewer starts there
   * (it joined, or was told of a `reset`): what is older is no hole. Answers how many comments a
   * `fresh` start passed over that this viewer would otherwise have been owed.
   */
  show(shown: readonly number[], fresh: boolean, places: Places): number {
    let passed = 0;
    if (fresh) {
      const first = shown[0] ?? this.next;
      passed = Math.max(0, first - this.next) + (this.missing?.size ?? 0);
      this.next = Math.max(this.next, first);
      this.missing = undefined;
      this.#rank = Number.NEGATIVE_INFINITY;
    }
    for (const place of shown) {
      if (place < this.next) this.missing?.delete(place);
      else {
        for (let hole = this.next; hole < place; hole++) this.#miss(hole);
        this.next = place + 1;
      }
      this.#rank = Math.max(this.#rank, places.rank(place));
    }
    return passed;
  }

  /** True when the comment at `place` was seen, or lies before this viewer's start. */
  has(place: number): boolean {
    return place < this.next && !this.missing?.has(place);
  }

  #miss(place: number): void {
    this.missing ??= new Set();
    this.missing.add(place);
  }
}
