/**
 * Which videos somebody watches, as news: occupied at once, vacated only after a while without anybody.
 *
 * Every dispatcher follows all videos, so that any of them can take over; who tells of a change is decided
 * elsewhere (happenings.ts). A row that went is a fact only while messages travel: cut off, a dispatcher sees
 * every lease run out, and knows nothing of viewers until it is back.
 */
import type { Clock, Elapsed, Timer } from "../base/clock.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";

export interface OccupancyParts {
  readonly clock: Clock;
  readonly watched: (video: VideoId) => boolean;
  /** Whether messages travel now. */
  readonly connected: () => boolean;
  readonly tell: (type: "video_occupied" | "video_vacated", video: VideoId) => void;
}

export class Occupancy {
  readonly #parts: OccupancyParts;
  /** As many as have, or a moment ago had, a row in the table. */
  readonly #occupied = new Set<VideoId>();
  /** Those of them that nobody watches, and since when: in order of that. */
  readonly #vacant = new Map<VideoId, Elapsed>();
  #timer: Timer | undefined;

  constructor(parts: OccupancyParts) {
    this.#parts = parts;
  }

  /** These were watched before anybody looked: no news. */
  know(videos: Iterable<VideoId>): void {
    for (const video of videos) this.#occupied.add(video);
  }

  /** `video` may have begun or ceased to be watched. */
  changed(video: VideoId): void {
    if (this.#parts.watched(video)) {
      this.#vacant.delete(video);
      if (this.#occupied.has(video)) return;
      this.#occupied.add(video);
      this.#parts.tell("video_occupied", video);
    } else if (this.#occupied.has(video) && !this.#vacant.has(video)) {
      this.#vacant.set(video, this.#parts.clock.elapsed());
      this.#arm();
    }
  }

  /** Messages travel again: whoever is still there has limits.vacantMs to say so. */
  reconnected(): void {
    const now = this.#parts.clock.elapsed();
    for (const video of this.#vacant.keys()) this.#vacant.set(video, now);
  }

  close(): void {
    this.#timer?.cancel();
    this.#vacant.clear();
  }

  #arm(): void {
    const [since] = this.#vacant.values();
    if (this.#timer || since === undefined) return;
    const { clock } = this.#parts;
    const waitMs = Math.max(1, since + limits.vacantMs - clock.elapsed());
    this.#timer = clock.after(waitMs, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    if (!this.#parts.connected()) this.reconnected();
    const now = this.#parts.clock.elapsed();
    for (const [video, since] of this.#vacant) {
      if (now - since < limits.vacantMs) break;
      this.#vacant.delete(video);
      this.#occupied.delete(video);
      this.#parts.tell("video_vacated", video);
    }
    this.#arm();
  }
}
