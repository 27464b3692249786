/**
 * Whose members are: with one like per viewer each video has a number, which its members carry.
 *
 * A member is a hash that tells nothing, so without it nobody could say which of them a deleted video had. A
 * video that comes back after it was deleted has another number, and what is left of the one before counts
 * for nothing until it is swept out. Members of before there were numbers carry 0, and belong to videos that
 * were there then. Numbers mean something in one fold only. Held by fold-delete.test.ts.
 */
import type { VideoId } from "../core/interaction.ts";

/** Of members whose video is not known. */
export const nobody = 0;

export class Owners {
  readonly #numbers = new Map<VideoId, number>();
  #next = 1;
  /** Videos up to this number were there when members carried none. */
  legacy = 0;
  /** What has changed since it was last written down. */
  added: VideoId[] = [];
  gone: number[] = [];

  /** Videos and their numbers, in the order they were given out. */
  get numbers(): ReadonlyMap<VideoId, number> {
    return this.#numbers;
  }

  /** The number of `video`, given to it now if it has none. */
  give(video: VideoId): number {
    const known = this.#numbers.get(video);
    if (known !== undefined) return known;
    this.#numbers.set(video, this.#next);
    this.added.push(video);
    return this.#next++;
  }

  /** The number of `video`; undefined: it has no members. */
  of(video: VideoId): number | undefined {
    return this.#numbers.get(video);
  }

  /** Takes its number from `video`; nobody gets it again. */
  drop(video: VideoId): number | undefined {
    const number = this.#numbers.get(video);
    if (number === undefined) return undefined;
    this.#numbers.delete(video);
    this.gone.push(number);
    return number;
  }

  /** Puts back what was written down. */
  restore(video: VideoId, number: number): void {
    this.#numbers.set(video, number);
    this.#next = Math.max(this.#next, number + 1);
  }

  /** Nobody is given a number up to `number` any more. */
  pass(number: number): void {
    this.#next = Math.max(this.#next, number + 1);
  }

  /** All that are there by now had members without a number. */
  adopt(videos: Iterable<VideoId>): void {
    for (const video of videos) this.give(video);
    this.legacy = this.#next - 1;
  }
}
