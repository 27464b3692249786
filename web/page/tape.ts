/**
 * A film without pictures: something to follow where a stream was never recorded. It plays, stands, is wound
 * and ends as a `<video>` does, by a clock (tape.test.ts), so that replay.ts and the timeline need not know.
 */
import type { Media } from "../client/replay.ts";

export interface Tape extends Media {
  readonly duration: number;
  play(): void;
  pause(): void;
}

/** `duration` in seconds; `now` in ms. */
export class SilentTape extends EventTarget implements Tape {
  readonly duration: number;
  readonly seeking = false;
  readonly playbackRate = 1;
  readonly #now: () => number;
  readonly #after: (ms: number, run: () => void) => () => void;
  #at = 0;
  #since: number | undefined;
  #ending: (() => void) | undefined;

  constructor(
    duration: number,
    now: () => number = () => performance.now(),
    after = (ms: number, run: () => void) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  ) {
    super();
    this.duration = duration;
    this.#now = now;
    this.#after = after;
  }

  get paused(): boolean {
    return this.#since === undefined;
  }

  get currentTime(): number {
    const played = this.#since === undefined ? 0 : (this.#now() - this.#since) / 1000;
    return Math.min(this.duration, this.#at + played);
  }

  set currentTime(at: number) {
    this.#at = Math.min(this.duration, Math.max(0, at));
    if (!this.paused) this.#start();
    this.dispatchEvent(new Event("seeking"));
    this.dispatchEvent(new Event("seeked"));
  }

  play(): void {
    if (!this.paused) return;
    // As a film does: one that has ended begins anew.
    if (this.#at >= this.duration) this.currentTime = 0;
    this.#start();
    this.dispatchEvent(new Event("play"));
  }

  pause(): void {
    if (this.paused) return;
    this.#at = this.currentTime;
    this.#since = undefined;
    this.#ending?.();
    this.dispatchEvent(new Event("pause"));
  }

  #start(): void {
    this.#since = this.#now();
    this.#ending?.();
    this.#ending = this.#after((this.duration - this.#at) * 1000, () => this.pause());
  }
}
