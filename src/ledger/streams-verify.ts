/**
 * Whether a cluster's log holds together: its streams are read as a dispatcher that starts reads them, and
 * what is written down twice, or follows from what else is there, is compared.
 *
 * Of each partition the newest snapshot has to be readable, to stand in the log where it says it does, and
 * the log to go on from it without a hole; where the log is there from its first record it is folded from
 * nothing as well, and must come to the same totals. Nothing is written. The cluster may go on meanwhile:
 * each stream is looked at up to where it ended when its turn came. Held by streams-verify.test.ts, which
 * breaks streams of a real server in each of these ways.
 */
import type { Clock } from "../base/clock.ts";
import { isVideoId, type VideoId } from "../core/interaction.ts";
import { likesOf } from "../core/totals.ts";
import { decodeEntry } from "../core/wire.ts";
import { decodeStowed, type Stowed } from "./away-bytes.ts";
import { commentStream } from "./comment-stream.ts";
import { Copy } from "./copy.ts";
import type { FoldOptions } from "./fold.ts";
import { boundsOf } from "./jetstream.ts";
import { LedgerRefused, LedgerUnavailable } from "./ledger.ts";
import { logStream } from "./partition.ts";
import { awayStream } from "./partition-away.ts";
import { readShape } from "./shared.ts";
import { decodeFoldInTurns } from "./snapshot.ts";
import { firstBranch, type Manifest, Snapshots } from "./snapshots.ts";
import type { Stored, StreamState, Streams } from "./streams.ts";
import { identify, same } from "./trail.ts";
import { checkMembers, differences, likesIn, onceMax, type Verdict, Wrong } from "./verdict.ts";

export interface VerifyParts {
  readonly streams: Streams;
  readonly clock: Clock;
  /** As its dispatchers have it: what they forget decides what counts. */
  readonly videosMax?: number;
}

/** So long nothing may come of a stream that has more, in ms. */
const silenceMs = 30_000;
/** How often a snapshot that was replaced while it was read is looked for again. */
const snapshotsMax = 5;

/**
 * Looks through all of it. Rejects with LedgerRefused when it is of another version or not there, and with
 * LedgerUnavailable or BusUnavailable when it cannot be read now.
 */
export async function verifyStreams(parts: VerifyParts): Promise<Verdict> {
  const shape = await readShape(parts.streams);
  const wrong = new Wrong();
  const sums = { videos: 0, likes: 0, records: 0 };
  const { partitions, once } = shape;
  const fold = {
    seed: 1,
    ...boundsOf({ partitions, videosMax: parts.videosMax, onceMax: once ? onceMax : undefined }),
  };
  for (let index = 0; index < partitions; index++) {
    const found = await verifyPartition(parts, index, fold, wrong);
    sums.videos += found.videos;
    sums.likes += found.likes;
    sums.records += found.records;
  }
  const { comments, lastSeq } = await verifyComments(parts, wrong);
  if (shape.branchAt > lastSeq + 1) {
    wrong.say(`its lineage begins a branch at ${shape.branchAt}, and the comments end at ${lastSeq}`);
  }
  return { ...sums, comments, wrong: wrong.lines };
}

type Found = Pick<Verdict, "videos" | "likes" | "records">;

async function verifyPartition(
  { streams, clock }: VerifyParts,
  index: number,
  options: FoldOptions,
  wrong: Wrong,
): Promise<Found> {
  const { name } = logStream(index);
  const full = streams.full(name);
  const copy = new Copy(clock, options, () => {});
  const manifest = await adopted({ streams, clock }, index, copy, options);
  const state = await streams.state(name);
  if (manifest) await checkPlace({ streams, state, name }, manifest, wrong);
  let whole = isWhole(copy, manifest, state) ? new Copy(clock, options, () => {}) : undefined;
  whole?.begin();
  const from = whole ? 1 : copy.seq + 1;
  let [last, records] = [from - 1, 0];
  if (state.firstSeq > from) {
    const gone = `records ${from} to ${state.firstSeq - 1} of ${full} are gone`;
    wrong.say(`${gone}, and ${manifest ? "its snapshot ends before" : "no snapshot holds"} them`);
    last = state.firstSeq - 1;
  }
  const take = (stored: Stored): boolean => {
    const isNew = stored.seq > copy.seq;
    if (isNew && copy.wants(stored).length > 0) return false;
    // Only what it came to last is known of one that left: nobody can fold all of the log from nothing.
    if (whole && whole.wants(stored).length > 0) whole = undefined;
    if (stored.seq !== last + 1) wrong.say(`records ${last + 1} to ${stored.seq - 1} of ${full} are missing`);
    last = stored.seq;
    records++;
    const read = whole?.take(stored) ?? true;
    if (!(isNew ? copy.take(stored) : read)) wrong.say(`record ${stored.seq} of ${full} is damaged`);
    if (manifest && stored.seq === manifest.upTo && whole) {
      for (const line of differences(copy.fold, whole.fold)) wrong.say(line);
    }
    return true;
  };
  for (let next = from; ; ) {
    const waits = await readAll({ streams, clock }, name, { from: next, upTo: state.lastSeq }, take);
    if (!waits) break;
    for (const video of copy.wants(waits)) copy.bring(video, await stowedIn(streams, video, copy));
    next = waits.seq;
  }
  if (last < state.lastSeq) wrong.say(`records ${last + 1} to ${state.lastSeq} of ${full} are missing`);
  const away = await verifyAway({ streams, clock }, copy, wrong);
  if (away.certain) checkMembers(copy.fold, wrong, away.likes);
  return { videos: copy.fold.videos.size + away.videos, likes: likesIn(copy.fold) + away.likes, records };
}

/** What was written down of a video that left memory; undefined: it is not there. */
async function stowedIn(streams: Streams, video: VideoId, { fold }: Copy): Promise<Stowed | undefined> {
  const held = await streams.last(awayStream.name, `away.${video}`);
  return held && decodeStowed(held.payload, video, fold);
}

/** Of each video that left memory there must be what it came to; `certain`: as it was where the copy ends. */
async function verifyAway({ streams }: VerifyParts, copy: Copy, wrong: Wrong) {
  const found = { videos: 0, likes: 0, certain: true };
  for (const video of copy.fold.away.from(undefined, "")) {
    const stowed = await stowedIn(streams, video, copy);
    found.videos++;
    if (!stowed)
      wrong.say(`${video} left memory, and what it came to is not in ${streams.full(awayStream.name)}`);
    found.certain &&= stowed !== undefined && stowed.upTo <= copy.seq;
    found.likes += likesOf(stowed?.totals.counts ?? {});
  }
  return found;
}

/** Whether all that the totals came from is still in the log. */
function isWhole(copy: Copy, manifest: Manifest | undefined, { firstSeq }: StreamState): boolean {
  const { branch } = manifest?.lineage ?? firstBranch;
  return firstSeq === 1 && branch === firstBranch.branch && !copy.fold.idle.begun;
}

/** Has the copy begin with the newest snapshot, and answers its manifest; or with nothing. */
async function adopted(
  { streams, clock }: VerifyParts,
  index: number,
  copy: Copy,
  options: FoldOptions,
): Promise<Manifest | undefined> {
  const snapshots = new Snapshots(streams, clock, index);
  for (let tries = 0; tries < snapshotsMax; tries++) {
    const manifest = await snapshots.manifest();
    if (!manifest) {
      copy.begin();
      return undefined;
    }
    const bytes = await snapshots.load(manifest);
    if (!bytes) continue;
    const fold = await decodeFoldInTurns(bytes, options, clock);
    const { name } = logStream(index);
    if (!fold)
      throw new LedgerRefused(`the snapshot of ${streams.full(name)} is damaged or of another version`);
    copy.adopt(fold, manifest.lineage ?? firstBranch, manifest.upTo, manifest.last, 0);
    return manifest;
  }
  throw new LedgerUnavailable("the snapshot that its manifest names is not there");
}

/** What stands at the snapshot's place must be what it was made of. */
async function checkPlace(
  { streams, state, name }: { streams: Streams; state: StreamState; name: string },
  { upTo, last }: Manifest,
  wrong: Wrong,
): Promise<void> {
  const full = streams.full(name);
  if (state.lastSeq < upTo) {
    wrong.say(`the snapshot of ${full} goes up to record ${upTo}, and the log ends at ${state.lastSeq}`);
    return;
  }
  if (!last || upTo === 0 || upTo < state.firstSeq) return;
  const held = await streams.at(name, upTo);
  if (held && !same(identify(held), last)) {
    wrong.say(`record ${upTo} of ${full} is not the one that its snapshot was made of`);
  }
}

/** Each entry is one, and what was removed is gone. */
async function verifyComments(
  { streams, clock }: VerifyParts,
  wrong: Wrong,
): Promise<{ readonly comments: number; readonly lastSeq: number }> {
  const { name } = commentStream(1);
  const { firstSeq, lastSeq } = await streams.state(name);
  const there = new Set<number>();
  const doubted = new Map<number, number>();
  await readAll({ streams, clock }, name, { from: firstSeq, upTo: lastSeq }, ({ seq, subject, payload }) => {
    const video = subject.slice(subject.lastIndexOf(".") + 1);
    // One that only tries whether the stream takes any.
    if (!isVideoId(video)) return true;
    const entry = decodeEntry(payload, video, seq, 0);
    if (!entry) wrong.say(`message ${seq} of ${streams.full(name)} is no comment`);
    else if (entry.type === "comment") there.add(seq);
    else if (there.has(entry.target)) doubted.set(entry.target, seq);
    return true;
  });
  // A removal is written before the comment goes: it may have been about to.
  for (const [target, seq] of doubted) {
    if (await streams.at(name, target))
      wrong.say(`comment ${target} is there, and ${seq} says it was removed`);
  }
  return { comments: there.size, lastSeq };
}

/**
 * Gives each message of a stretch, in order, up to one that is not taken now, which it answers. Rejects with
 * LedgerUnavailable when none comes for long.
 */
async function readAll(
  { streams, clock }: VerifyParts,
  name: string,
  { from, upTo }: { from: number; upTo: number },
  take: (stored: Stored) => boolean,
): Promise<Stored | undefined> {
  if (from > upTo) return undefined;
  const { promise, resolve, reject } = Promise.withResolvers<Stored | undefined>();
  let isOver = false;
  let heardAt = clock.elapsed();
  const reading = streams.read({
    name,
    from,
    receive: (stored) => {
      heardAt = clock.elapsed();
      if (isOver) return;
      const isTaken = stored.seq > upTo || take(stored);
      isOver = !isTaken || stored.seq >= upTo;
      if (isOver) resolve(isTaken ? undefined : stored);
    },
    caughtUp: () => resolve(undefined),
  });
  const watching = clock.every(silenceMs, () => {
    if (clock.elapsed() - heardAt < silenceMs) return;
    reject(new LedgerUnavailable(`${streams.full(name)} cannot be read now`));
  });
  try {
    return await promise;
  } finally {
    isOver = true;
    watching.cancel();
    reading.end();
  }
}
