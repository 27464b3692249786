/**
 * Which dispatchers can be heard right now.
 *
 * A lease says who belongs to the cluster and ends slowly, so that a pause costs nobody its place. Who
 * ticks a video and who is asked must be known sooner: viewers look at totals that stand still, publishers
 * wait in vain. So every dispatcher says that it is there twice a second, and one that misses a few of
 * these is passed over until it is heard again. Beats are counted, not time: a process that was stopped
 * itself hears what waited for it before it judges.
 */
import { limits } from "./limits.ts";

/** Beats without a word after which one is forgotten altogether. */
const forgottenAfter = 20 * limits.aliveMissedMax;

export class Peers {
  /** Our beats since each was heard. */
  readonly #missed = new Map<string, number>();
  readonly #changed: (node: string, silent: boolean) => void;
  #heard: readonly string[] = [];

  /** `changed` is called when one falls silent, and when one is heard that was not. */
  constructor(changed: (node: string, silent: boolean) => void) {
    this.#changed = changed;
  }

  /** Those that can be heard, in order of name. */
  get heard(): readonly string[] {
    return this.#heard;
  }

  /** `node` says that it is there. Beyond limits.peersMax names, strangers are not judged. */
  hear(node: string): void {
    const missed = this.#missed.get(node);
    if (missed === undefined && this.#missed.size >= limits.peersMax) return;
    this.#missed.set(node, 0);
    if (missed === undefined || missed >= limits.aliveMissedMax) this.#change(node, false);
  }

  /** A beat of our own, every limits.aliveEveryMs while messages travel. */
  beat(): void {
    for (const [node, missed] of this.#missed) {
      this.#missed.set(node, missed + 1);
      if (missed + 1 === limits.aliveMissedMax) this.#change(node, true);
      else if (missed + 1 >= forgottenAfter) this.#missed.delete(node);
    }
  }

  /** `node` says that it leaves, or is known to be gone: as silent as if it had missed its beats. */
  leave(node: string): void {
    if ((this.#missed.get(node) ?? limits.aliveMissedMax) >= limits.aliveMissedMax) return;
    this.#missed.set(node, limits.aliveMissedMax);
    this.#change(node, true);
  }

  #change(node: string, silent: boolean): void {
    const others = this.#heard.filter((other) => other !== node);
    this.#heard = silent ? others : [...others, node].sort();
    this.#changed(node, silent);
  }
}
