/** What a stream is asked for with, and what whoever let it in sees of it while it is open. */
import type { VideoId } from "../core/interaction.ts";
import type { Viewer } from "../fanout/slot.ts";
import type { Words } from "./words.ts";

export interface StreamRequest {
  readonly videos: readonly VideoId[];
  readonly lastEventId: string | undefined;
  /** The request's signal: tells when the client has left. */
  readonly signal?: AbortSignal;
  /** Tells at once what is held for review: the caller has checked that these videos may be moderated. */
  readonly reviews?: boolean;
  /** When the stream's permission ends, Unix ms. */
  readonly untilMs?: number | undefined;
  /** Whoever let it in; absent: nobody wants to know. */
  readonly holder?: StreamHolder | undefined;
}

/** Hears of a stream that it let in. One object and no closures, since every viewer has one. */
export interface StreamHolder {
  /** Called once, before anything is written. */
  opened(stream: OpenStream): void;
  /** Called once, when the stream has ended, opened or not. */
  ended(): void;
}

/** A stream as whoever let it in sees it. */
export class OpenStream {
  readonly #viewer: Viewer;
  readonly #words: Words;

  constructor(viewer: Viewer, words: Words) {
    this.#viewer = viewer;
    this.#words = words;
  }

  /** What it watches now. */
  videos(): readonly VideoId[] {
    return this.#viewer.watches.map(({ video }) => video);
  }

  /** Ends it, saying why. */
  end(reason: "banned" | "revoked"): void {
    this.#viewer.connection.end(reason, this.#words.bye(reason));
  }
}
