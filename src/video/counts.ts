/**
 * How many watch each video: this node's own numbers told to the others, and the sum told to viewers.
 *
 * Leading edge first: the first viewer after quiet is counted at once, then at most once a second each way,
 * so a storm of joins costs one number. Absolute numbers, repeated, so nothing needs to be acknowledged.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Bus, Subscription } from "../bus/bus.ts";
import { limits } from "../core/limits.ts";
import { Presence } from "../core/presence.ts";
import { decodeViewers, encodeJson, subjects, type ViewerCount } from "../core/wire.ts";
import type { VideoState } from "./state.ts";

/** How often due numbers are looked for, in ms. */
const sweepMs = 200;

export interface CountsParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly node: string;
  readonly incarnation: string;
  /** The number that viewers of `watch` see has changed. */
  readonly changed: (watch: VideoState) => void;
}

export class Counts {
  readonly #parts: CountsParts;
  /** Other nodes' numbers. */
  readonly #others = new Presence();
  readonly #watches = new Map<string, { watch: VideoState; subscription: Subscription }>();
  /** Watches whose own or summed number may have changed since it was last told. */
  readonly #due = new Set<VideoState>();
  readonly #timers: Timer[];

  constructor(parts: CountsParts) {
    this.#parts = parts;
    this.#timers = [
      parts.clock.every(sweepMs, () => this.#sweep()),
      parts.clock.every(limits.viewersRepeatMs, () => this.#repeat()),
    ];
  }

  follow(watch: VideoState): void {
    const { bus } = this.#parts;
    const subscription = bus.subscribe(subjects.viewers(watch.video), (payload) =>
      this.#hear(watch, payload),
    );
    this.#watches.set(watch.video, { watch, subscription });
  }

  unfollow(watch: VideoState): void {
    if (watch.countSent > 0) this.#send(watch, 0, this.#parts.clock.now());
    this.#watches.get(watch.video)?.subscription.end();
    this.#watches.delete(watch.video);
    this.#due.delete(watch);
    this.#others.forget({ video: watch.video });
  }

  /** A viewer came (+1) or left (-1). */
  moved(watch: VideoState, by: 1 | -1): void {
    watch.viewers += by;
    this.#due.add(watch);
    this.#tell(watch, this.#parts.clock.now());
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    for (const { watch } of this.#watches.values()) this.unfollow(watch);
  }

  #hear(watch: VideoState, payload: Uint8Array): void {
    const count = decodeViewers(payload);
    if (!count || count.node === this.#parts.node) return;
    const nowMs = this.#parts.clock.now();
    if (!this.#others.hear(watch.video, count, nowMs)) return;
    this.#due.add(watch);
    this.#tell(watch, nowMs);
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.now();
    for (const watch of this.#due) this.#tell(watch, nowMs);
  }

  #repeat(): void {
    const nowMs = this.#parts.clock.now();
    for (const video of this.#others.expire(nowMs)) {
      const followed = this.#watches.get(video);
      if (followed) this.#due.add(followed.watch);
    }
    for (const { watch } of this.#watches.values()) {
      if (watch.viewers > 0 && nowMs - watch.countSentMs >= limits.viewersEveryMs) {
        this.#send(watch, watch.viewers, nowMs);
      }
    }
  }

  /** Tells others and viewers what may be told by now; stays due for the rest. */
  #tell(watch: VideoState, nowMs: number): void {
    let told = true;
    if (watch.viewers !== watch.countSent) {
      if (nowMs - watch.countSentMs >= limits.viewersEveryMs) this.#send(watch, watch.viewers, nowMs);
      else told = false;
    }
    const sum = watch.viewers + this.#others.viewers(watch.video, nowMs);
    if (sum !== watch.shownViewers) {
      if (nowMs - watch.viewersShownMs >= limits.viewersEveryMs) {
        watch.viewersShownMs = nowMs;
        watch.shownViewers = sum;
        watch.viewersVersion++;
        this.#parts.changed(watch);
      } else told = false;
    }
    if (told) this.#due.delete(watch);
  }

  #send(watch: VideoState, viewers: number, nowMs: number): void {
    const { bus, node, incarnation } = this.#parts;
    watch.countSent = viewers;
    watch.countSentMs = nowMs;
    const count: ViewerCount = { node, incarnation, viewers };
    // Refused while the bus is away: repeated within seconds anyway.
    bus.publish(subjects.viewers(watch.video), encodeJson(count));
  }
}
