/** The pace of one video here: where its viewers are, and when the next pass over them may begin. */
import { type Elapsed, longAgo, type Timer } from "../base/clock.ts";
import type { VideoState } from "../video/state.ts";
import type { Shard } from "./shard.ts";
import type { Slot } from "./slot.ts";

/** One state on its way to all viewers here. */
export interface Pass {
  readonly startMs: Elapsed;
  /** Work done before it, for a pass over many where the clock tells work: see supervisor.ts. */
  readonly startWorkMs: number | undefined;
  /** When the oldest like it shows was accepted, Unix ms; 0 when it shows none. */
  readonly oldestMs: number;
  /** Slots still to be written. */
  left: number;
}

export class Pace {
  readonly watch: VideoState;
  /** Where the shards keep this video's viewers. */
  readonly slots = new Map<Shard, Slot>();
  pass: Pass | undefined;
  /** Before that no pass begins. */
  nextMs: Elapsed = longAgo;
  /** Set while the next one waits for that. */
  timer: Timer | undefined;
  /** Highest seq handed to the shards. */
  flushed: number;

  constructor(watch: VideoState) {
    this.watch = watch;
    this.flushed = watch.history.tip;
  }
}
