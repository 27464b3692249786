/**
 * Closed videos that left memory, as a look through a cluster's log follows them: part of streams-verify.ts.
 *
 * A copy that is folded to be looked at lets videos leave and brings them back at the same places as those of
 * dispatchers do, so it forgets the same idle ones; but what one comes to that leaves is noted here, and only
 * of those that were away in its snapshot is asked in the stream `away`. So what stands there can be compared
 * with what the log says; and in a backup that was put back be written, of those that left after their stream
 * was saved and before the log was. Held by streams-verify.test.ts.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { likesOf, noTotals, type Totals } from "../core/totals.ts";
import { decodeStowed, encodeStowed, type Stowed } from "./away-bytes.ts";
import { type Copy, leaving } from "./copy.ts";
import { awayStream, awaySubject } from "./partition-away.ts";
import type { Stored, Streams } from "./streams.ts";
import { countsApart, likesIn, type Wrong } from "./verdict.ts";

/** Videos that are asked for at once. */
const atOnceMax = 64;

/** A copy, and what those came to that are away from it. */
export class Followed {
  readonly copy: Copy;
  readonly #left = new Map<VideoId, Stowed>();
  /** Of those that left as the log was read, what should stand in the stream; undefined: nobody asks. */
  readonly #bytes: Map<VideoId, Uint8Array> | undefined;

  /** `writes`: it is to `write` what the stream lacks. */
  constructor(copy: Copy, writes = false) {
    this.copy = copy;
    this.#bytes = writes ? new Map() : undefined;
  }

  /** Those that are away now. */
  away(): VideoId[] {
    return [...this.copy.fold.away.from(undefined, "")];
  }

  /** What one that is away came to; without likes where that is not known. */
  left(video: VideoId): Totals {
    return this.#left.get(video)?.totals ?? noTotals;
  }

  /** Asks for what those came to that are away in its snapshot, before anything is folded behind that. */
  async recall(streams: Streams): Promise<void> {
    await inParts(this.away(), async (video) => {
      const held = await newest(streams, video);
      const stowed = held && decodeStowed(held.payload, video, this.copy.fold);
      if (!stowed) return;
      // Where in time its likes were is most of it, and is of use only to be written again.
      this.#left.set(video, this.#bytes ? stowed : { ...stowed, timeline: undefined });
    });
  }

  /** As Copy.take; `lost` is told of a video that has to be back for it, and of which nothing is known. */
  take(stored: Stored, lost: (video: VideoId) => void = () => {}): boolean {
    const { copy } = this;
    for (const video of copy.wants(stored)) {
      const stowed = this.#left.get(video);
      if (!stowed) lost(video);
      copy.bring(video, stowed);
      this.#left.delete(video);
      this.#bytes?.delete(video);
    }
    const named = leaving(stored)?.video;
    const video = named !== undefined && !copy.fold.lacks(named) ? named : undefined;
    const totals = video && copy.fold.totals(video);
    const place = { branch: copy.branch.branch, upTo: copy.seq };
    const bytes = video && this.#bytes && encodeStowed(copy.fold, video, place);
    const { away, idle, timelines } = copy.fold;
    const then = { raised: away.raised, floor: idle.floor };
    const timeline = video && this.#bytes && timelines?.videos.get(video);
    const taken = copy.take(stored);
    if (video && totals && copy.fold.lacks(video)) {
      this.#left.set(video, { ...place, ...then, totals, timeline });
      if (bytes) this.#bytes?.set(video, bytes);
    }
    return taken;
  }

  /** Writes what the stream lacks of those that left as the log `name` was read. Rejects as doubts. */
  async write(streams: Streams, name: string): Promise<void> {
    const lacking = await this.doubts(streams, name, this.away());
    await inParts([...lacking.keys()], async (video) => {
      const bytes = this.#bytes?.get(video);
      if (bytes) await streams.append(awaySubject(video), bytes, limits.requestMs);
    });
  }

  /** Videos and likes, those that are away too. */
  sums(): { readonly videos: number; readonly likes: number } {
    const { fold } = this.copy;
    const sums = { videos: fold.videos.size, likes: likesIn(fold) };
    for (const video of this.away()) {
      const { counts } = this.left(video);
      // One that was closed and never liked has no totals where it is in memory either.
      if (Object.keys(counts).length > 0) sums.videos++;
      sums.likes += likesOf(counts);
    }
    return sums;
  }

  /**
   * What is wrong with what stands in the stream of those of `videos` that are away: some may be so only as
   * the log `name` went on meanwhile. Rejects with BusUnavailable.
   */
  async doubts(
    streams: Streams,
    name: string,
    videos: readonly VideoId[],
  ): Promise<Map<VideoId, readonly string[]>> {
    const found = new Map<VideoId, readonly string[]>();
    const away = videos.filter((video) => this.copy.fold.lacks(video));
    await inParts(away, async (video) => {
      const lines = await this.#linesOf(streams, name, video);
      if (lines.length > 0) found.set(video, lines);
    });
    return found;
  }

  async #linesOf(streams: Streams, name: string, video: VideoId): Promise<string[]> {
    const { copy } = this;
    const full = streams.full(awayStream.name);
    const held = await newest(streams, video);
    if (!held) return [`${video} left memory, and what it came to is not in ${full}`];
    const stowed = decodeStowed(held.payload, video, copy.fold);
    if (!stowed) return [`message ${held.seq} of ${full}, what ${video} came to, is damaged`];
    if (stowed.branch === copy.branch.branch && stowed.upTo > copy.seq) {
      const { lastSeq } = await streams.state(name);
      if (stowed.upTo <= lastSeq) return [];
      const end = `and the log ends at ${lastSeq}`;
      return [
        `what ${video} came to in ${full} goes up to record ${stowed.upTo} of ${streams.full(name)}, ${end}`,
      ];
    }
    const { version, counts } = this.left(video);
    const lines = [...countsApart(`${video} in ${full}`, stowed.totals.counts, counts)];
    if (lines.length > 0 || stowed.totals.version === version) return lines;
    return [`${video} in ${full} is of version ${stowed.totals.version}, and its log says ${version}`];
  }
}

/** Which videos have left memory must follow from the log: what a snapshot says, and what all of it says. */
export function checkWhoLeft(written: Followed, whole: Followed, wrong: Wrong): void {
  const [is, be] = [written.copy.fold, whole.copy.fold];
  for (const video of written.away()) {
    if (!be.lacks(video)) wrong.say(`${video} left memory in a snapshot, and not in its log`);
  }
  for (const video of whole.away()) {
    if (!is.lacks(video)) wrong.say(`${video} left memory in its log, and not in a snapshot`);
  }
}

/** What stands in the stream of `video`: nothing where the stream is gone, which is not made anew here. */
function newest(streams: Streams, video: VideoId): Promise<Stored | undefined> {
  return streams.lastIfAny(awayStream.name, awaySubject(video));
}

async function inParts(videos: readonly VideoId[], each: (video: VideoId) => Promise<void>): Promise<void> {
  for (let i = 0; i < videos.length; i += atOnceMax) {
    await Promise.all(videos.slice(i, i + atOnceMax).map(each));
  }
}
