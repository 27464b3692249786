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
  /** The numbers alone: whoever sweeps asks for them again and again, of as many videos as there are. */
  readonly #live = new Set<number>();
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
    const number = this.#next;
    this.restore(video, number);
    this.added.push(video);
    return number;
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
    this.#live.delete(number);
    this.gone.push(number);
    return number;
  }

  /** Puts back what was written down. */
  restore(video: VideoId, number: number): void {
    this.#numbers.set(video, number);
    this.#live.add(number);
    this.pass(number);
  }

  /** Whether members of `number` are somebody's: it is a video's, or it is none. */
  isLive(number: number): boolean {
    return number === nobody || this.#live.has(number);
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
