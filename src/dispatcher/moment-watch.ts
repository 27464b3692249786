/**
 * Watches for moments while they happen, for whoever wants to be told: each once, soon after its end.
 *
 * Once a second each video that people reacted to lately is looked at, a few a turn; only where enough of
 * them came close together are its last minutes searched. A moment has ended when the stream's clock, by the
 * median of what viewers see, is some seconds past it: who is further behind than that still adds to it
 * afterwards, and to what `GET …/moments` says of it. Held by moment-watch.test.ts.
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import { Sweep } from "../base/sweep.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Moment } from "../core/times.ts";
import type { Change } from "../ledger/ledger.ts";
import type { TimelineView } from "../ledger/timeline-view.ts";
import { momentsIn } from "./times.ts";

export type Told = Omit<Moment, "comments">;

export interface MomentWatchParts {
  readonly clock: Clock;
  readonly timeline: (video: VideoId) => TimelineView | undefined;
  /** Called once per moment, with when it had ended. */
  readonly tell: (video: VideoId, moment: Told) => void;
}

interface Watched {
  /** When its totals last changed. */
  at: Elapsed;
  /** What began before it has been told, Unix ms in the stream's clock. */
  toldMs: number;
}

const everyMs = 1_000;
const turnMax = 32;
/** Seconds that are searched: what is usual, and a moment. */
const searchedS = 420;
/** A moment is told when it has been over for so long, and no later than that, in seconds. */
const overS = 4;
const lateS = 120;
/** People in a few seconds, without whom there is no moment. */
const fewMin = 6;

export class MomentWatch {
  readonly #parts: MomentWatchParts;
  /** Quiet for longest first. */
  readonly #videos = new Map<VideoId, Watched>();
  readonly #sweep: Sweep<VideoId>;
  readonly #timer: Timer;

  constructor(parts: MomentWatchParts) {
    const { clock } = parts;
    this.#parts = parts;
    this.#sweep = new Sweep({ clock, turnMax, act: (video) => this.#look(video) });
    this.#timer = clock.every(everyMs, () => this.#sweep.addAll(this.#active()));
  }

  folded(changes: readonly Change[]): void {
    const at = this.#parts.clock.elapsed();
    for (const { video, deleted } of changes) {
      const known = this.#videos.get(video);
      this.#videos.delete(video);
      if (deleted) continue;
      this.#videos.set(video, { at, toldMs: known?.toldMs ?? Number.NEGATIVE_INFINITY });
    }
    for (const quietest of this.#videos.keys()) {
      if (this.#videos.size <= limits.momentVideosMax) break;
      this.#videos.delete(quietest);
    }
  }

  close(): void {
    this.#timer.cancel();
    this.#sweep.close();
  }

  #active(): VideoId[] {
    const now = this.#parts.clock.elapsed();
    for (const [video, { at }] of this.#videos) {
      if (now - at < 1000 * lateS) break;
      this.#videos.delete(video);
    }
    return [...this.#videos.keys()];
  }

  #look(video: VideoId): boolean {
    const { clock, timeline, tell } = this.#parts;
    const watched = this.#videos.get(video);
    const view = timeline(video);
    if (!watched || !view) return true;
    const nowS = Math.floor((clock.date() - (view.skewMs ?? 0)) / 1000);
    if (!hasFew(view, nowS)) return true;
    // That people come at all is no moment.
    const fromS = Math.max(nowS - searchedS, view.bounds()?.fromS ?? nowS);
    for (const moment of momentsIn(view, fromS, nowS, 1)) {
      const overMs = 1000 * nowS - moment.endMs;
      if (overMs < 1000 * overS || overMs > 1000 * lateS || moment.startMs < watched.toldMs) continue;
      watched.toldMs = moment.endMs;
      tell(video, moment);
    }
    return true;
  }
}

/** Whether there can be a moment that is not too late to be told. */
function hasFew(view: TimelineView, nowS: number): boolean {
  const { people } = view.read({ fromS: nowS - lateS - 30, toS: nowS, stepS: 3 });
  return people.some((count, i) => count + (people[i + 1] ?? 0) >= fewMin);
}
