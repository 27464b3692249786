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
  erasingOf,
  notErasing,
  sameUser,
} from "../core/erasure.ts";
import { type Hash64, hash64 } from "../core/hash.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeJson } from "../core/wire.ts";
import { deletedBy, deletionTask } from "../ledger/deletions.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface ErasuresParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  /** Kinds of likes there may be. */
  readonly kinds: Iterable<string>;
  /** Is told of each comment that was removed. */
  readonly removed: (video: VideoId, seq: number) => void;
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
    if (request.want === "delete") {
      const { video } = request;
      const found = await deletions.delete(video);
      if (found) void this.#run(deletionTask(video), "");
      return { found, erasing: notErasing };
    }
    const name = erasureTask(request.user);
    const noted = (await deletions.tasks()).get(name);
    if (noted !== undefined || request.want === "progress") {
      return { found: noted !== undefined, erasing: progressOf(noted)?.erasing ?? notErasing };
    }
    const erasing = { state: "running", looked: 0, of: this.#parts.ledger.head(), removed: 0 } as const;
    const value = JSON.stringify({ user: request.user, erasing });
    await deletions.setTask(name, value);
    void this.#run(name, value);
    return { found: true, erasing };
  }

  /** Goes on with what somebody left. */
  async #look(): Promise<void> {
    const { ledger, owns } = this.#parts;
    if (this.#closed) return;
    const tasks = await ledger.deletions.tasks().catch(ignoreUnavailable);
    for (const [name, value] of tasks ?? []) if (owns(name)) void this.#run(name, value);
  }

  /** Carries out a task to its end, or until the log is away: then it is found again. */
  async #run(name: string, value: string): Promise<void> {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      const video = deletedBy(name);
      const progress = progressOf(value);
      if (video) await this.#sweep(name, video);
      else if (progress) await this.#erase(name, progress);
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

  /** Removes all comments of a user, and what tells of their likes; from where an earlier run has come to. */
  async #erase(name: string, { user, erasing }: Progress): Promise<void> {
    const { ledger, log } = this.#parts;
    const { deletions } = ledger;
    const same = sameUser(user);
    let { looked, removed } = erasing;
    for (;;) {
      const { entries, last } = await deletions.scan(looked, limits.taskPieceMax);
      for (const entry of entries) {
        if (this.#closed) return;
        const isTheirs =
          entry.type === "comment" && entry.user !== undefined && sameUser(entry.user) === same;
        if (isTheirs && (await this.#remove(entry.video, entry.seq))) removed++;
      }
      if (last === looked) break;
      looked = last;
      const now = { state: "running", looked, of: Math.max(erasing.of, looked), removed } as const;
      await deletions.setTask(name, JSON.stringify({ user, erasing: now }));
      await this.#pause();
    }
    await this.#rename(user);
    if (this.#closed) return;
    await deletions.setTask(name, undefined);
    log.info("a user is erased", { comments: removed });
  }

  async #remove(video: VideoId, seq: number): Promise<boolean> {
    const { ledger, removed } = this.#parts;
    if (!(await ledger.retract(video, seq))) return false;
    removed(video, seq);
    await this.#pause();
    return true;
  }

  /** What they like stays counted, with nothing that tells whose it is. */
  async #rename(user: string): Promise<void> {
    const { ledger, kinds } = this.#parts;
    if (!ledger.once) return;
    let looked = 0;
    for (const videos of [ledger.videos(), ledger.away?.from(undefined, "") ?? []]) {
      for (const video of videos) {
        for (const kind of kinds) await ledger.deletions.rename(video, kind, user);
        if (++looked % limits.taskPieceMax === 0) await this.#pause();
        if (this.#closed) return;
      }
    }
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

interface Progress {
  readonly user: string;
  readonly erasing: Erasing;
}

/** The task of erasing `user`, whom it does not name. */
function erasureTask(user: string): string {
  const hash: Hash64 = { hi: 0, lo: 0 };
  hash64("user", sameUser(user), hash);
  return `u-${hash.hi.toString(16)}-${hash.lo.toString(16)}`;
}

/** How far a task has come; undefined: it is none of erasing somebody. */
function progressOf(value: string | undefined): Progress | undefined {
  const m = decodeJson(new TextEncoder().encode(value ?? ""));
  const erasing = erasingOf(m?.erasing);
  return erasing && typeof m?.user === "string" ? { user: m.user, erasing } : undefined;
}
