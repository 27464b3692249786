/**
 * Videos of a SQLite ledger that leave memory: what they came to stays in its tables, and a row of `away`
 * says that a start is to leave it there. sqlite-away.test.ts holds it over kill -9.
 */
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { LikeRecord } from "../core/record.ts";
import type { Fold } from "./fold.ts";
import type { AwayVideos } from "./ledger.ts";
import type { Written } from "./written.ts";

export interface SqliteAwayParts {
  readonly fold: Fold;
  readonly written: Written;
  /** Writes down what has changed. Throws LedgerUnavailable. */
  readonly write: () => void;
  /** Has it written down soon. */
  readonly soon: () => void;
  /** Throws LedgerUnavailable for what the database throws. */
  readonly reading: <T>(read: () => T) => T;
}

export class SqliteAway implements AwayVideos {
  readonly #parts: SqliteAwayParts;

  constructor(parts: SqliteAwayParts) {
    this.#parts = parts;
  }

  isClosed(video: VideoId): boolean {
    return this.#parts.fold.isClosed(video);
  }

  back(): Iterable<VideoId> {
    return this.#parts.fold.away.back;
  }

  from(after: VideoId | undefined, search: string): Iterable<VideoId> {
    return this.#parts.fold.away.from(after, search);
  }

  async put(video: VideoId): Promise<boolean> {
    const { fold, written, soon } = this.#parts;
    if (fold.lacks(video)) return true;
    if (fold.away.ids.size >= limits.awayMax && !fold.away.back.has(video)) return false;
    const left = written.leave(video);
    soon();
    await left;
    return true;
  }

  async open(video: VideoId): Promise<boolean> {
    const { fold, written, write, reading } = this.#parts;
    if (!fold.isClosed(video)) return false;
    reading(() => written.takeBack(video, true));
    write();
    return true;
  }

  async read(video: VideoId): Promise<void> {
    const { fold, written, reading } = this.#parts;
    if (!fold.lacks(video) || fold.away.read(video)) return;
    fold.away.warm(
      video,
      reading(() => written.kept(video)),
    );
  }

  /** Has in memory what a record is about that is to be counted. */
  bringBack({ groups, act }: LikeRecord): void {
    const { fold, written } = this.#parts;
    if (act?.type === "deleted" && fold.isClosed(act.video)) written.takeBack(act.video, true);
    if (fold.away.size === 0) return;
    for (const { video } of groups) if (fold.lacks(video)) written.takeBack(video, false);
  }
}
