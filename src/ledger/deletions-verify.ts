/**
 * Deletions of which a backup holds one half: part of streams-verify.ts.
 *
 * Each stream is kept as of its own moment, the log before the comments. Of a deletion between the two the
 * comments are gone, and their removal says which version the likes had; where the log still has them at
 * that version, it is carried out on them too, when it is put back. Held by streams-verify.test.ts.
 */
import type { Clock } from "../base/clock.ts";
import { secret } from "../base/prng.ts";
import { deletionOf } from "../core/acts.ts";
import { laneOf } from "../core/hash.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { encodeRecord } from "../core/record.ts";
import { likesOf } from "../core/totals.ts";
import { videoOf } from "../core/wire.ts";
import type { Followed } from "./away-verify.ts";
import { commentStream } from "./comment-stream.ts";
import { stampHeader } from "./copy.ts";
import { clearedVersion } from "./jetstream-delete.ts";
import { readThrough } from "./read-through.ts";
import type { Streams } from "./streams.ts";

export interface DeletionParts {
  readonly streams: Streams;
  readonly clock: Clock;
}

/** Which version each video had that was deleted, as the newest removal of its comments says. */
export type Cleared = ReadonlyMap<VideoId, number>;

/** All that the comments say. Rejects as readThrough. */
export async function clearedIn(parts: DeletionParts, silenceMs: number): Promise<Cleared> {
  const { name } = commentStream(1);
  const { firstSeq, lastSeq } = await parts.streams.state(name);
  const cleared = new Map<VideoId, number>();
  const range = { name, from: firstSeq, upTo: lastSeq, silenceMs };
  await readThrough(parts, range, (stored) => {
    const [video, version] = [videoOf(stored.subject), clearedVersion(stored)];
    if (video && version !== undefined) cleared.set(video, version);
  });
  return cleared;
}

/**
 * Deletes in the log of partition `index` of `partitions`, which `written` has read to its end, what the
 * comments say was deleted and still has the likes of then. Rejects with BusUnavailable.
 */
export async function deleteHalves(
  { streams, clock }: DeletionParts,
  {
    index,
    partitions,
    subject,
  }: { readonly index: number; readonly partitions: number; readonly subject: string },
  written: Followed,
  cleared: Cleared,
): Promise<void> {
  for (const [video, version] of cleared) {
    if (laneOf(video, partitions) !== index) continue;
    const { fold } = written.copy;
    const totals = fold.lacks(video) ? written.left(video) : fold.totals(video);
    if (totals.version !== version || likesOf(totals.counts) === 0) continue;
    const record = deletionOf(video, secret(16), clock.date());
    // Log time stands still meanwhile: nobody's keys are forgotten for it.
    const head = { [stampHeader]: `${fold.logMs}` };
    await streams.append(subject, encodeRecord(record), limits.requestMs, undefined, head);
  }
}
