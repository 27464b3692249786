/**
 * Deletions in the simulation: what a dispatcher does to delete a video in the simulated log, each step of
 * which may be its last, and what of the log's records then counts.
 */
import type { Prng } from "../../base/prng.ts";
import { deletionOf } from "../../core/acts.ts";
import type { VideoId } from "../../core/interaction.ts";
import { decodeRecord, type LikeRecord } from "../../core/record.ts";
import { likesOf } from "../../core/totals.ts";
import { type Deletions, deletionTask } from "../../ledger/deletions.ts";
import { LedgerUnavailable } from "../../ledger/ledger.ts";
import type { Cluster } from "./cluster.ts";
import { commentLane, laneOf, type SimLog } from "./log.ts";
import type { SimLedger } from "./view.ts";

/** What a deletion needs of the dispatcher's view of the log. */
export interface DeletionsParts {
  readonly log: SimLog;
  readonly view: Pick<SimLedger, "current">;
  /** Draws a key. */
  readonly key: () => string;
  /** The dispatcher's wall. */
  readonly date: () => number;
  /** The stamp of a record for a lane. */
  readonly stamp: (lane: number) => number | undefined;
  /** Sends something to a lane: it may not come there, or nobody may hear that it did. */
  readonly send: <T>(lane: number, write: () => T) => Promise<T>;
}

/** As the shared log does it: a task first, then both entries under its key, then that it is done. */
export function simDeletions({ log, view, key: draw, date, stamp, send }: DeletionsParts): Deletions {
  const note = (video: VideoId, value: string): Promise<unknown> =>
    send(commentLane, () => log.tasks.set(deletionTask(video), value));
  const carryOut = async (video: VideoId, key: string): Promise<void> => {
    const [lane, record] = [laneOf(video), deletionOf(video, key, date())];
    const stampMs = stamp(lane);
    await send(lane, () => log.write(lane, { likes: [record], comments: [] }, stampMs));
    await send(commentLane, () => log.clear(video, key));
    await note(video, `${key} done`);
  };
  return {
    async delete(video) {
      const { counts } = await view.current(video);
      if (!log.entries.has(video) && likesOf(counts) === 0) return false;
      const key = draw();
      await note(video, key);
      await carryOut(video, key);
      return true;
    },
    async sweep(video) {
      const [key, done] = (log.tasks.get(deletionTask(video)) ?? "done done").split(" ");
      if (key !== undefined && done === undefined) await carryOut(video, key);
      return true;
    },
    async setTask(name, value) {
      await send(commentLane, () =>
        value === undefined ? log.tasks.delete(name) : log.tasks.set(name, value),
      );
    },
    tasks: async () => new Map(log.tasks),
    scan: refuse,
    rename: refuse,
  };
}

async function refuse(): Promise<never> {
  throw new LedgerUnavailable("nobody is erased here");
}

/** Has one of `videos` deleted by way of any node; whether it was, as far as anybody was answered. */
export async function deleteOne(
  { nodes }: Cluster,
  prng: Prng,
  videos: readonly VideoId[],
): Promise<boolean> {
  const all = [...nodes.values()];
  const video = videos[prng.between(0, videos.length - 1)] as VideoId;
  return (await all[prng.between(0, all.length - 1)]?.node.eraser.delete(video)) === true;
}

export type Truth = Map<VideoId, Record<string, number>>;

/**
 * The totals as the log has them: each key once, whoever sent it how often, behind each video's last
 * deletion; or `ever`, as if nothing had been deleted.
 */
export function truthOf(log: SimLog, videos: readonly VideoId[], ever = false): Truth {
  const truth: Truth = new Map(videos.map((video) => [video, {}]));
  const keys = new Set<string>();
  for (const { bytes } of log.records) {
    const { act, groups } = decodeRecord(bytes) as LikeRecord;
    if (act?.type === "deleted" && !ever) {
      const key = `${act.video} ${act.key.hi} ${act.key.lo}`;
      if (!keys.has(key)) truth.set(act.video, {});
      keys.add(key);
    }
    for (const group of groups) {
      const totals = truth.get(group.video) as Record<string, number>;
      let count = group.loose;
      group.counts.forEach((likes, i) => {
        const key = `${group.video} ${group.hi[i]} ${group.lo[i]}`;
        if (!keys.has(key)) count += likes;
        keys.add(key);
      });
      if (count > 0) totals[group.kind] = (totals[group.kind] ?? 0) + count;
    }
  }
  return truth;
}

/** The first kind that two totals do not have the same of. */
export function otherKind(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): string | undefined {
  return Object.keys({ ...one, ...other }).find((kind) => (one[kind] ?? 0) !== (other[kind] ?? 0));
}
