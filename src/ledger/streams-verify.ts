/**
 * Whether a cluster's log holds together: its streams are read as a dispatcher that starts reads them, and
 * what is written down twice, or follows from what else is there, is compared.
 *
 * Of each partition the newest snapshot has to be readable, to stand in the log where it says it does, and
 * the log to go on from it without a hole; where the log is there from its first record it is folded from
 * nothing as well, and must come to the same totals; what closed videos came to that left memory must stand
 * in their stream (away-verify.ts). Nothing is written but where it
 * is asked to (`mends`). The cluster may go on meanwhile:
 * each stream is looked at up to where it ended when its turn came. Held by streams-verify.test.ts, which
 * breaks streams of a real server in each of these ways.
 */
import type { Clock } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { checkWhoLeft, Followed } from "./away-verify.ts";
import { commentStream } from "./comment-stream.ts";
import { Copy } from "./copy.ts";
import { verifyCounts } from "./counts-verify.ts";
import { type Cleared, clearedIn, deleteHalves } from "./deletions-verify.ts";
import type { FoldOptions } from "./fold.ts";
import { boundsOf } from "./jetstream.ts";
import { LedgerRefused, LedgerUnavailable } from "./ledger.ts";
import { logStream } from "./partition.ts";
import { readThrough } from "./read-through.ts";
import { readShape } from "./shared.ts";
import { decodeFoldInTurns } from "./snapshot.ts";
import { firstBranch, type Manifest, Snapshots } from "./snapshots.ts";
import type { Stored, StreamState, Streams } from "./streams.ts";
import { identify, same } from "./trail.ts";
import { checkMembers, differences, onceMax, type Verdict, Wrong } from "./verdict.ts";

export interface VerifyParts {
  readonly streams: Streams;
  readonly clock: Clock;
  /** As its dispatchers have it: what they forget decides what counts. */
  readonly videosMax?: number;
  /**
   * Of a backup that was put back, where nobody runs yet: what `away` lacks is written, and what was deleted
   * between the moments of its streams is deleted in all of them.
   */
  readonly mends?: boolean;
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
  const cleared = parts.mends ? await clearedIn(parts, silenceMs) : undefined;
  for (let index = 0; index < partitions; index++) {
    const found = await verifyPartition(parts, { index, partitions, cleared }, fold, wrong);
    sums.videos += found.videos;
    sums.likes += found.likes;
    sums.records += found.records;
  }
  const { comments, lastSeq } = await verifyComments(parts, wrong);
  await verifyCounts(parts, silenceMs, wrong);
  if (shape.branchAt > lastSeq + 1) {
    wrong.say(`its lineage begins a branch at ${shape.branchAt}, and the comments end at ${lastSeq}`);
  }
  return { ...sums, comments, wrong: wrong.lines };
}

interface PartitionAsked {
  readonly index: number;
  readonly partitions: number;
  /** Given where it mends. */
  readonly cleared: Cleared | undefined;
}

type Found = Pick<Verdict, "videos" | "likes" | "records">;

async function verifyPartition(
  { streams, clock, mends }: VerifyParts,
  { index, partitions, cleared }: PartitionAsked,
  options: FoldOptions,
  wrong: Wrong,
): Promise<Found> {
  const { name, subject } = logStream(index);
  const full = streams.full(name);
  const written = new Followed(new Copy(clock, options, () => {}), mends);
  const { copy } = written;
  const manifest = await adopted({ streams, clock }, index, copy, options);
  // Before it is asked where the log ends: none of it is of a later place.
  await written.recall(streams);
  const state = await streams.state(name);
  if (manifest) await checkPlace({ streams, state, name }, manifest, wrong);
  const whole = isWhole(copy, manifest, state) ? new Followed(new Copy(clock, options, () => {})) : undefined;
  whole?.copy.begin();
  const reading = new LogReading({ streams, clock, name, manifest, written, whole, wrong });
  if (state.firstSeq > reading.last + 1) {
    const gone = `records ${reading.last + 1} to ${state.firstSeq - 1} of ${full} are gone`;
    wrong.say(`${gone}, and ${manifest ? "its snapshot ends before" : "no snapshot holds"} them`);
    reading.last = state.firstSeq - 1;
  }
  await reading.upTo(state.lastSeq);
  if (cleared) {
    await deleteHalves({ streams, clock }, { index, partitions, subject }, written, cleared);
    await reading.upTo((await streams.state(name)).lastSeq);
  }
  if (mends) await written.write(streams, name);
  const followed = reading.whole ?? written;
  let doubts = await followed.doubts(streams, name, followed.away());
  if (doubts.size > 0) {
    // What was changed there meanwhile stands in the log by now.
    await reading.upTo((await streams.state(name)).lastSeq);
    doubts = await followed.doubts(streams, name, [...doubts.keys()]);
  }
  for (const lines of doubts.values()) for (const line of lines) wrong.say(line);
  const sums = written.sums();
  checkMembers(copy.fold, sums.likes, wrong);
  return { ...sums, records: reading.records };
}

interface LogReadingParts {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly name: string;
  readonly manifest: Manifest | undefined;
  /** Goes on from the snapshot. */
  readonly written: Followed;
  /** Begins with nothing, where all of the log is there. */
  readonly whole: Followed | undefined;
  readonly wrong: Wrong;
}

/** The log of a partition as it is read, folded twice where all of it is there. */
class LogReading {
  /** The last place that was read, or is known not to be there. */
  last: number;
  records = 0;
  /** As given, as long as all of the log was read. */
  whole: Followed | undefined;
  readonly #parts: LogReadingParts;
  /** What the snapshot holds and was not read: let go of meanwhile, or missing. */
  #gap: { readonly from: number; readonly to: number } | undefined;

  constructor(parts: LogReadingParts) {
    this.#parts = parts;
    this.whole = parts.whole;
    this.last = parts.whole ? 0 : parts.written.copy.seq;
  }

  /** Reads on to `lastSeq`. */
  async upTo(lastSeq: number): Promise<void> {
    const { name, streams, wrong } = this.#parts;
    const range = { name, from: this.last + 1, upTo: lastSeq, silenceMs };
    await readThrough(this.#parts, range, (stored) => this.#take(stored));
    const { from, to } = this.#gap ?? { from: 0, to: 0 };
    this.#gap = undefined;
    if (from > 0 && (await streams.state(name)).firstSeq <= to) {
      wrong.say(`records ${from} to ${to} of ${streams.full(name)} are missing`);
    }
    if (this.last >= lastSeq) return;
    wrong.say(`records ${this.last + 1} to ${lastSeq} of ${streams.full(name)} are missing`);
    this.last = lastSeq;
  }

  #take(stored: Stored): void {
    const { name, streams, manifest, written, wrong } = this.#parts;
    const { seq } = stored;
    const full = streams.full(name);
    if (this.whole && seq > this.last + 1 && seq <= written.copy.seq + 1) {
      this.#gap = { from: this.last + 1, to: seq - 1 };
      this.whole = undefined;
    } else if (seq !== this.last + 1) {
      wrong.say(`records ${this.last + 1} to ${seq - 1} of ${full} are missing`);
    }
    this.last = seq;
    this.records++;
    const { whole } = this;
    const read = whole?.take(stored) ?? true;
    const isNew = seq > written.copy.seq;
    const lost = (video: VideoId): void =>
      wrong.say(`record ${seq} of ${full} is of ${video}, which left memory, and what it came to is lost`);
    if (!(isNew ? written.take(stored, lost) : read)) wrong.say(`record ${seq} of ${full} is damaged`);
    if (seq !== manifest?.upTo || !whole) return;
    for (const line of differences(written.copy.fold, whole.copy.fold)) wrong.say(line);
    checkWhoLeft(written, whole, wrong);
  }
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
  const range = { name, from: firstSeq, upTo: lastSeq, silenceMs };
  await readThrough({ streams, clock }, range, ({ seq, subject, payload }) => {
    const video = videoOf(subject);
    // One that only tries whether the stream takes any.
    if (!video) return;
    const entry = decodeEntry(payload, video, seq, 0);
    if (!entry) wrong.say(`message ${seq} of ${streams.full(name)} is no comment`);
    else if (entry.type === "comment") there.add(seq);
    else if (there.has(entry.target)) doubted.set(entry.target, seq);
  });
  // A removal is written before the comment goes: it may have been about to.
  for (const [target, seq] of doubted) {
    if (await streams.at(name, target))
      wrong.say(`comment ${target} is there, and ${seq} says it was removed`);
  }
  return { comments: there.size, lastSeq };
}
