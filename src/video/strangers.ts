/**
 * Strangers: live entries that are not of the branch their number belongs to, as this node knows the log.
 *
 * Either the log has another branch and nobody has told us yet, or the entry was lost and came late. Its
 * number may stand for another comment, so none of them is shown: the log is asked what stands there, and
 * once more, some times, until it knows the branch. branches.test.ts and the simulation hold that.
 */
import type { Entry } from "../core/entry.ts";
import type { VideoState } from "./state.ts";

/** How often the log is asked for a branch before its entry is taken for one that was lost. */
const asksMax = 5;

export class Strangers {
  /** The branch that the writer of an entry knew, where it said so. */
  readonly #branches = new WeakMap<Entry, string>();
  readonly #awaited = new Map<VideoState, { readonly branch: string; asked: number }>();

  /** Notes what the writer of `entry` knew as the newest branch. */
  note(entry: Entry, branch: string | undefined): void {
    if (branch !== undefined) this.#branches.set(entry, branch);
  }

  /** Whether `entry` is one: then the log is to be asked. */
  has(watch: VideoState, entry: Entry): boolean {
    const branch = this.#branches.get(entry);
    if (branch === undefined || watch.lineage.nameOf(entry.seq) === branch) return false;
    this.#awaited.set(watch, { branch, asked: 0 });
    watch.doubt();
    return true;
  }

  /** After an answer of the log: whether it is to be asked once more. */
  await(watch: VideoState): boolean {
    const awaited = this.#awaited.get(watch);
    if (!awaited) return false;
    if (!watch.lineage.knows(awaited.branch) && awaited.asked++ < asksMax) return true;
    this.#awaited.delete(watch);
    return false;
  }

  forget(watch: VideoState): void {
    this.#awaited.delete(watch);
  }
}
