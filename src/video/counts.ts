/**
 * How many watch each video: this node's own numbers told to the others, and the sum told to viewers.
 *
 * Leading edge first: the first viewer after quiet is counted at once, then at most once a second each way,
 * so a storm of joins costs one number. Absolute numbers, repeated, so nothing needs to be acknowledged.
 */
import { type Clock, type Elapsed, longAgo, type Timer } from "../base/clock.ts";
import { Sweep } from "../base/sweep.ts";
import type { Bus, Subscription } from "../bus/bus.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Presence } from "../core/presence.ts";
import { decodeViewers, encodeJson, subjects, type ViewerCount, videoOf } from "../core/wire.ts";
import type { VideoState } from "./state.ts";

/** How often due numbers are looked for, in ms. */
const sweepMs = 200;
/** Numbers told on one turn. */
const turnMax = 512;

export interface CountsParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly node: string;
  readonly incarnation: string;
  /** The number that viewers of `watch` see has changed. */
  readonly changed: (watch: VideoState) => void;
}

/** A video whose viewers are counted here. */
interface Followed {
  readonly watch: VideoState;
  readonly subscription: Subscription;
  /** This node's number as last told to the others, and when. */
  sent: number;
  sentMs: Elapsed;
  /** When the sum was last told to viewers here. */
  shownMs: Elapsed;
}

export class Counts {
  readonly #parts: CountsParts;
  /** Other nodes' numbers. */
  readonly #others = new Presence();
  readonly #followed = new Map<VideoId, Followed>();
  readonly #all: Iterable<Followed> = { [Symbol.iterator]: () => this.#followed.values() };
  /** One for all videos, told apart by their subjects. */
  readonly #heard = (payload: Uint8Array, subject: string): void => {
    const video = videoOf(subject);
    const followed = video && this.#followed.get(video);
    if (followed) this.#hear(followed, payload);
  };
  /** Videos whose own or summed number may have changed since it was last told. */
  readonly #due = new Set<Followed>();
  /** Of those, the ones to be looked at now; and those whose number is to be repeated. */
  readonly #looks: Sweep<Followed>;
  readonly #repeats: Sweep<Followed>;
  readonly #timers: Timer[];

  constructor(parts: CountsParts) {
    this.#parts = parts;
    const { clock } = parts;
    const each = (act: (followed: Followed) => void) => ({
      ...{ clock, turnMax },
      act: (followed: Followed) => {
        act(followed);
        return true;
      },
    });
    this.#looks = new Sweep(each((followed) => this.#tell(followed, clock.elapsed())));
    this.#repeats = new Sweep(each((followed) => this.#sendAgain(followed, clock.elapsed())));
    this.#timers = [
      parts.clock.every(sweepMs, () => this.#look()),
      parts.clock.every(limits.viewersRepeatMs, () => this.#repeat()),
    ];
  }

  follow(watch: VideoState): void {
    const { bus } = this.#parts;
    const subscription = bus.subscribe(subjects.viewers(watch.video), this.#heard);
    const followed: Followed = { watch, subscription, sent: -1, sentMs: longAgo, shownMs: longAgo };
    this.#followed.set(watch.video, followed);
  }

  unfollow(watch: VideoState): void {
    const followed = this.#followed.get(watch.video);
    if (!followed) return;
    if (followed.sent > 0) this.#send(followed, 0, this.#parts.clock.elapsed());
    followed.subscription.end();
    this.#followed.delete(watch.video);
    this.#due.delete(followed);
    this.#looks.delete(followed);
    this.#repeats.delete(followed);
    this.#others.forget({ video: watch.video });
  }

  /** A viewer came (+1) or left (-1). */
  moved(watch: VideoState, by: 1 | -1): void {
    watch.viewers += by;
    const followed = this.#followed.get(watch.video);
    if (followed) this.#changed(followed, this.#parts.clock.elapsed());
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#looks.close();
    this.#repeats.close();
    for (const { watch } of this.#followed.values()) this.unfollow(watch);
  }

  #hear(followed: Followed, payload: Uint8Array): void {
    const count = decodeViewers(payload);
    if (!count || count.node === this.#parts.node) return;
    const nowMs = this.#parts.clock.elapsed();
    if (this.#others.hear(followed.watch.video, count, nowMs)) this.#changed(followed, nowMs);
  }

  #look(): void {
    // Not from the beginning while the end has not had its turn.
    if (this.#due.size > 0 && !this.#looks.busy) this.#looks.each(this.#due);
  }

  #repeat(): void {
    const nowMs = this.#parts.clock.elapsed();
    for (const video of this.#others.expire(nowMs)) {
      const followed = this.#followed.get(video);
      if (followed) this.#due.add(followed);
    }
    this.#repeats.each(this.#all);
  }

  #sendAgain(followed: Followed, nowMs: Elapsed): void {
    const { viewers } = followed.watch;
    if (viewers > 0 && nowMs - followed.sentMs >= limits.viewersEveryMs) this.#send(followed, viewers, nowMs);
  }

  #changed(followed: Followed, nowMs: Elapsed): void {
    this.#due.add(followed);
    this.#tell(followed, nowMs);
  }

  /** Tells others and viewers what may be told by now; stays due for the rest. */
  #tell(followed: Followed, nowMs: Elapsed): void {
    const { watch } = followed;
    let told = true;
    if (watch.viewers !== followed.sent) {
      if (nowMs - followed.sentMs >= limits.viewersEveryMs) this.#send(followed, watch.viewers, nowMs);
      else told = false;
    }
    const sum = watch.viewers + this.#others.viewers(watch.video, nowMs);
    if (sum !== watch.shownViewers) {
      if (nowMs - followed.shownMs >= limits.viewersEveryMs) {
        followed.shownMs = nowMs;
        watch.shownViewers = sum;
        watch.viewersVersion++;
        this.#parts.changed(watch);
      } else told = false;
    }
    if (told) this.#due.delete(followed);
  }

  #send(followed: Followed, viewers: number, nowMs: Elapsed): void {
    const { bus, node, incarnation } = this.#parts;
    followed.sent = viewers;
    followed.sentMs = nowMs;
    const count: ViewerCount = { node, incarnation, viewers };
    // Refused while the bus is away: repeated within seconds anyway.
    bus.publish(subjects.viewers(followed.watch.video), encodeJson(count));
  }
}
