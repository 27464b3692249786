/**
 * What a stream is told at its beginning and at its end, and how long it may last: all that is drawn for each
 * stream anew, so that those who came together do not beat, leave or come back together.
 */
import type { UnixMs } from "../base/clock.ts";
import type { Prng } from "../base/prng.ts";
import { type Beats, beatsOf } from "../core/beats.ts";
import { parseId } from "../core/entry.ts";
import { limits } from "../core/limits.ts";
import { type ByeReason, byeFrame, bytesOf, helloFrame, type PollOffer } from "../core/sse.ts";

/** How long whoever polls waits until it asks for a stream again, in ms: half of it more or less. */
export const streamAgainMs = 60_000;

export interface WordsParts {
  readonly node: string;
  readonly prng: Prng;
  readonly beatMs: number;
  readonly streamAgeMs: number;
  /** Streams open now: so many may come back at once. */
  readonly streams: () => number;
}

export class Words {
  readonly beats: Beats;
  readonly #parts: WordsParts;

  constructor(parts: WordsParts) {
    this.#parts = parts;
    this.beats = beatsOf(parts.beatMs);
  }

  /** Silence after which the next stream is due a beat, in ms. */
  drawBeat(): number {
    return this.#parts.prng.between(this.beats.fromMs, this.beats.toMs);
  }

  /** How long the next stream lives, in ms: up to a quarter less than `--stream-age`; undefined for ever. */
  drawAge(): number | undefined {
    const { streamAgeMs, prng } = this.#parts;
    return streamAgeMs > 0 ? prng.between((3 * streamAgeMs) / 4, streamAgeMs) : undefined;
  }

  /** First bytes of the stream `connection`, which is to go on at `lastEventId`. */
  hello(connection: string, nowMs: UnixMs, lastEventId: string | undefined): Uint8Array {
    const { node, prng } = this.#parts;
    const retryMs = prng.between(limits.retryMinMs, limits.retryMaxMs);
    const place = placeIn(lastEventId);
    return bytesOf(helloFrame({ connection, node, nowMs, beatMs: this.beats.everyMs, retryMs, place }));
  }

  /** Last bytes of a stream; `lastEventId` is that of one that holds nothing else. */
  bye(reason: ByeReason, lastEventId?: string, poll?: PollOffer): Uint8Array {
    return bytesOf(byeFrame(reason, this.#retryMs(reason), placeIn(lastEventId), poll));
  }

  #retryMs(reason: ByeReason): number {
    const { prng, streams } = this.#parts;
    // Whoever is merely old, or one too many here, comes back at once: there is room, and time was spread.
    if (reason === "age" || reason === "spread") return prng.between(0, limits.ageRetryMs);
    if (reason === "share") return prng.between(streamAgainMs / 2, (3 * streamAgainMs) / 2);
    // So many return at once that a node accepts about two thousand a second.
    return prng.between(limits.retryMinMs, Math.max(limits.retryMaxMs, streams() / 2));
  }
}

/** The id a stream is asked to resume at, if it is one of ours. */
function placeIn(lastEventId: string | undefined): string | undefined {
  return lastEventId !== undefined && parseId(lastEventId) ? lastEventId : undefined;
}
