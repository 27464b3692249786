/**
 * The watches that a node follows on the bus: two subscriptions each, and when each was last asked for.
 *
 * There are as many as videos are watched, so what each costs is counted: all share two receivers, and are
 * told apart by the subject of what comes.
 */
import type { Elapsed } from "../base/clock.ts";
import type { Bus, Position, Receive, Subscription } from "../bus/bus.ts";
import type { VideoId } from "../core/interaction.ts";
import { subjects, videoOf } from "../core/wire.ts";
import type { VideoState } from "./state.ts";

interface Followed {
  readonly watch: VideoState;
  readonly ticks: Subscription;
  readonly entries: Subscription;
  askedMs: Elapsed;
}

export interface FollowsParts {
  readonly bus: Bus;
  readonly tick: (watch: VideoState, payload: Uint8Array) => void;
  readonly entry: (watch: VideoState, payload: Uint8Array, position: Position | undefined) => void;
}

export class Follows implements Iterable<VideoState> {
  readonly #bus: Bus;
  /** In the order in which they were asked for. */
  readonly #followed = new Map<VideoId, Followed>();
  readonly #tick: Receive;
  readonly #entry: Receive;

  constructor({ bus, tick, entry }: FollowsParts) {
    this.#bus = bus;
    this.#tick = (payload, subject) => {
      const watch = this.#heard(subject);
      if (watch) tick(watch, payload);
    };
    this.#entry = (payload, subject, position) => {
      const watch = this.#heard(subject);
      if (watch) entry(watch, payload, position);
    };
  }

  /** Subscribes; it is asked for at `nowMs`. */
  add(watch: VideoState, nowMs: Elapsed): void {
    const { video } = watch;
    this.#followed.set(video, {
      watch,
      ticks: this.#bus.subscribe(subjects.tick(video), this.#tick),
      entries: this.#bus.subscribe(subjects.comment(video), this.#entry),
      askedMs: nowMs,
    });
  }

  has(watch: VideoState): boolean {
    return this.#followed.get(watch.video)?.watch === watch;
  }

  delete({ video }: VideoState): void {
    const followed = this.#followed.get(video);
    followed?.ticks.end();
    followed?.entries.end();
    this.#followed.delete(video);
  }

  /** When it was last asked for as a matter of course; undefined: it is not followed. */
  askedMs({ video }: VideoState): Elapsed | undefined {
    return this.#followed.get(video)?.askedMs;
  }

  /** It is asked for now as a matter of course, and stands behind all others. */
  asked({ video }: VideoState, nowMs: Elapsed): void {
    const followed = this.#followed.get(video);
    if (!followed) return;
    followed.askedMs = nowMs;
    this.#followed.delete(video);
    this.#followed.set(video, followed);
  }

  /** In the order in which they were asked for as a matter of course. */
  *[Symbol.iterator](): Iterator<VideoState> {
    for (const { watch } of this.#followed.values()) yield watch;
  }

  #heard(subject: string): VideoState | undefined {
    const video = videoOf(subject);
    return video && this.#followed.get(video)?.watch;
  }
}
