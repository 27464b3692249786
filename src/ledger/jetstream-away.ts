/** Videos of all partitions of a shared log that have left memory, as one ledger tells of them. */
import type { VideoId } from "../core/interaction.ts";
import { type AwayVideos, LedgerUnavailable } from "./ledger.ts";
import type { Partition } from "./partition.ts";

export class JetstreamAway implements AwayVideos {
  readonly #partitions: readonly Partition[];
  readonly #of: (video: VideoId) => Partition;

  constructor(partitions: readonly Partition[], of: (video: VideoId) => Partition) {
    this.#partitions = partitions;
    this.#of = of;
  }

  isClosed(video: VideoId): boolean {
    return this.#of(video).fold.isClosed(video);
  }

  *back(): Iterable<VideoId> {
    for (const { fold } of this.#partitions) yield* fold.away.back;
  }

  from(after: VideoId | undefined, search: string): Iterable<VideoId> {
    return merged(this.#partitions.map(({ fold }) => fold.away.from(after, search)));
  }

  put(video: VideoId): Promise<boolean> {
    return known(this.#of(video).away.put(video));
  }

  open(video: VideoId): Promise<boolean> {
    return known(this.#of(video).away.open(video));
  }

  read(video: VideoId): Promise<void> {
    return known(this.#of(video).away.read(video));
  }
}

async function known<T>(done: Promise<T>): Promise<T> {
  try {
    return await done;
  } catch (error) {
    if ((error as Error).name !== "BusUnavailable") throw error;
    throw new LedgerUnavailable((error as Error).message, { cause: error });
  }
}

/** All of several that are in order each, in order. */
function* merged(sorted: readonly Iterator<VideoId>[]): Generator<VideoId> {
  const heads = sorted.map((one) => ({ one, head: one.next().value as VideoId | undefined }));
  for (;;) {
    let least: (typeof heads)[number] | undefined;
    for (const each of heads) {
      if (each.head !== undefined && (least?.head === undefined || each.head < least.head)) least = each;
    }
    if (least?.head === undefined) return;
    yield least.head;
    least.head = least.one.next().value as VideoId | undefined;
  }
}
