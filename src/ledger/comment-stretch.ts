/**
 * A stretch of the stream of comments, held for a while: read once for all who want pages at one time.
 *
 * A page of one video costs a server a look through all that lies between that video's comments. While many
 * pages are wanted at once, because a cluster starts with its audience or NATS was away, the newest part of
 * the stream is read one time as it lies, and followed from there, and pages are taken out of it; what is not
 * wanted any more is let go (comment-pages.ts says when).
 *
 * It reaches from a place on, without holes but those the stream has. A stream that keeps so many messages
 * per subject may let one go before it was read, but only behind that many newer ones, which then are here:
 * so of each video the newest that many are whole. Bounded by limits.stretchEntriesMax and stretchBytesMax:
 * beyond, it begins later.
 */
import type { Entry } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { entryBytes } from "./page.ts";
import type { StreamState, Streams } from "./streams.ts";

export interface StretchParts {
  readonly streams: Streams;
  /** The stream's name, and as it was a moment ago. */
  readonly stream: string;
  readonly state: StreamState;
}

interface Waiting {
  readonly seq: number;
  readonly resolve: () => void;
}

export class CommentStretch {
  readonly #reading: { end(): void };
  readonly #byVideo = new Map<VideoId, Entry[]>();
  /** All of them in order, and how many of those have been let go again. */
  #order: Entry[] = [];
  #gone = 0;
  #bytes = 0;
  /** Behind this place nothing is missing, up to `#upTo`. */
  #from: number;
  #upTo = 0;
  #whole = false;
  #waiting: Waiting[] = [];

  /** Begins to read. */
  constructor({ streams, stream, state }: StretchParts) {
    this.#from = Math.max(0, state.lastSeq - limits.stretchEntriesMax);
    if (this.#from < state.firstSeq) this.#from = 0;
    this.#reading = streams.read({
      name: stream,
      from: this.#from + 1,
      receive: ({ seq, subject, payload }) => {
        const video = videoOf(subject);
        const entry = video && decodeEntry(payload, video, seq, 0);
        if (entry) this.#add(entry);
        this.#reach(seq);
      },
      // The last that was stored may have been taken out since.
      caughtUp: () => {
        this.#whole = true;
        this.#reach(state.lastSeq);
      },
      // Who reads a copy of the stream has not read all where that copy ends.
      prepare: () => streams.state(stream),
    });
  }

  /** The place behind which it holds all there is. */
  get from(): number {
    return this.#from;
  }

  /** Whether all has been read that there was when it began. */
  get whole(): boolean {
    return this.#whole;
  }

  /** What it holds of a video, oldest first. */
  entries(video: VideoId): readonly Entry[] {
    return this.#byVideo.get(video) ?? [];
  }

  /** Resolves when it holds all up to `seq`, or when it ends. */
  reaches(seq: number): Promise<void> {
    if (this.#upTo >= seq) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ seq, resolve }));
  }

  end(): void {
    this.#reading.end();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #add(entry: Entry): void {
    const entries = this.#byVideo.get(entry.video);
    if (entries) entries.push(entry);
    else this.#byVideo.set(entry.video, [entry]);
    this.#order.push(entry);
    this.#bytes += entryBytes(entry);
    while (
      this.#bytes > limits.stretchBytesMax ||
      this.#order.length - this.#gone > limits.stretchEntriesMax
    ) {
      this.#dropOldest();
    }
    if (this.#gone > limits.stretchEntriesMax / 8) {
      this.#order = this.#order.slice(this.#gone);
      this.#gone = 0;
    }
  }

  #dropOldest(): void {
    const oldest = this.#order[this.#gone++] as Entry;
    this.#bytes -= entryBytes(oldest);
    this.#from = oldest.seq;
    const entries = this.#byVideo.get(oldest.video) as Entry[];
    entries.shift();
    if (entries.length === 0) this.#byVideo.delete(oldest.video);
  }

  #reach(seq: number): void {
    if (seq <= this.#upTo) return;
    this.#upTo = seq;
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => one.seq > seq);
    for (const one of waiting) if (one.seq <= seq) one.resolve();
  }
}
