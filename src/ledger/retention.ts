/**
 * Which rows of a log may go: those older than the key window, a bounded number at a time.
 *
 * A row's age is known from marks made now and then (log time, last row), so no row is read to learn whether
 * it is old (retention.test.ts). Not here: deleting, and whether totals hold the rows; the caller sees to
 * both.
 */

interface Mark {
  readonly seq: number;
  readonly logMs: number;
}

export class Retention {
  readonly #marks: Mark[] = [];
  /** The last row that is gone. */
  #prunedSeq: number;

  /** `prunedSeq` is the row before the log's first. */
  constructor(prunedSeq: number) {
    this.#prunedSeq = prunedSeq;
  }

  /**
   * Notes that the log ends with `seq` at `logMs`. At most one mark per call: bounded by how often it is
   * called.
   */
  mark(seq: number, logMs: number): void {
    if (this.#marks.at(-1)?.seq !== seq) this.#marks.push({ seq, logMs });
  }

  /**
   * The row up to which all may go, at most `rows` of them: older than `oldMs`. Undefined when there is
   * none.
   */
  prunable(oldMs: number, rows: number): number | undefined {
    let oldSeq = this.#prunedSeq;
    for (const mark of this.#marks) {
      if (mark.logMs >= oldMs) break;
      oldSeq = mark.seq;
    }
    return oldSeq > this.#prunedSeq ? Math.min(oldSeq, this.#prunedSeq + rows) : undefined;
  }

  /** Notes that all rows up to `seq` are gone. */
  pruned(seq: number): void {
    this.#prunedSeq = seq;
    let gone = 0;
    while (gone < this.#marks.length && (this.#marks[gone] as Mark).seq <= seq) gone++;
    this.#marks.splice(0, gone);
  }
}
