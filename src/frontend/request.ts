/** What a stream is asked for with, and what whoever let it in sees of it while it is open. */
import type { VideoId } from "../core/interaction.ts";
import type { Asked } from "../fanout/connection.ts";

export interface StreamRequest {
  readonly videos: readonly VideoId[];
  readonly lastEventId: string | undefined;
  /** The request itself: its signal tells when the client has left. */
  readonly asked?: Asked;
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
export interface OpenStream {
  /** What it watches now. */
  videos(): readonly VideoId[];
  /** Ends it, saying why. */
  end(reason: "banned" | "revoked"): void;
}
