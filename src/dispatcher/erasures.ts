/**
 * Deletions and erasures, carried out: the first entry at once, what is left of it by and by, a piece at a
 * time.
 *
 * What is under way is a task of the ledger, so that it goes on wherever its dispatcher died: each looks at
 * all tasks now and then, and whoever owns one by its name goes on with it. Two at once do no harm: every
 * piece may be done twice. Held by erasures.test.ts and system/life.test.ts.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import {
  decodeErasureRequest,
  type Erasing,
  type ErasureRequest,
  encodeErasureReply,
  notErasing,
} from "../core/erasure.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { deletedBy, deletionTask } from "../ledger/deletions.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface ErasuresParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether tasks of this name are ours to go on with. */
  readonly owns: (name: string) => boolean;
}

export class Erasures {
  readonly #parts: ErasuresParts;
  readonly #underWay = new Set<string>();
  readonly #timer: Timer;
  #closed = false;

  /** Looks for tasks at once. */
  constructor(parts: ErasuresParts) {
    this.#parts = parts;
    this.#timer = parts.clock.every(limits.tasksEveryMs, () => void this.#look());
    parts.clock.soon(() => void this.#look());
  }

  /** Answers a request (core/erasure.ts). Rejects with LedgerUnavailable, also for what is none. */
  async serve(payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeErasureRequest(payload);
    if (!request) throw new LedgerUnavailable("not a request to erase");
    return encodeErasureReply(await this.#answer(request));
  }

  close(): void {
    this.#closed = true;
    this.#timer.cancel();
  }

  async #answer(request: ErasureRequest): Promise<{ found: boolean; erasing: Erasing }> {
    const { deletions } = this.#parts.ledger;
    if (request.want !== "delete") return { found: false, erasing: notErasing };
    const { video } = request;
    const found = await deletions.delete(video);
    if (found) void this.#run(deletionTask(video));
    return { found, erasing: notErasing };
  }

  /** Goes on with what somebody left. */
  async #look(): Promise<void> {
    const { ledger, owns } = this.#parts;
    if (this.#closed) return;
    const tasks = await ledger.deletions.tasks().catch(ignoreUnavailable);
    for (const name of tasks?.keys() ?? []) if (owns(name)) void this.#run(name);
  }

  /** Carries out a task to its end, or until the log is away: then it is found again. */
  async #run(name: string): Promise<void> {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      const video = deletedBy(name);
      if (video) await this.#sweep(name, video);
    } catch (error) {
      ignoreUnavailable(error);
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #sweep(name: string, video: VideoId): Promise<void> {
    const { log, ledger } = this.#parts;
    const { deletions } = ledger;
    do {
      if (this.#closed) return;
      await this.#pause();
    } while (!(await deletions.sweep(video)));
    await deletions.setTask(name, undefined);
    log.info("a deleted video is swept out", { video });
  }

  /** Likes and comments have their turns in between. */
  #pause(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(limits.taskPauseMs, resolve));
  }
}

function ignoreUnavailable(error: unknown): undefined {
  if (!(error instanceof LedgerUnavailable)) throw error;
  return undefined;
}
