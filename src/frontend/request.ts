/** What a stream is asked for with, and what whoever let it in sees of it while it is open. */
import type { VideoId } from "../core/interaction.ts";

export interface StreamRequest {
  readonly videos: readonly VideoId[];
  readonly lastEventId: string | undefined;
  /** The request's signal: tells when the client has left. */
  readonly signal?: AbortSignal;
  /** Tells at once what is held for review: the caller has checked that these videos may be moderated. */
  readonly reviews?: boolean;
  /** When the stream's permission ends, Unix ms. */
  readonly untilMs?: number | undefined;
  /** Called once, when the stream has ended. */
  readonly ended?: (() => void) | undefined;
  /** Called once, before anything is written. */
  readonly opened?: (stream: OpenStream) => void;
}

/** A stream as whoever let it in sees it. */
export interface OpenStream {
  /** What it watches now. */
  videos(): readonly VideoId[];
  /** Ends it, saying why. */
  end(reason: "banned" | "revoked"): void;
}
