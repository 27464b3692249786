/** Asks whichever dispatcher answers which videos there are. */
import {
  type CatalogReply,
  type CatalogRequest,
  catalogSubject,
  decodeCatalog,
  decodeKept,
  encodeCatalogRequest,
  keptSubject,
} from "../core/catalog.ts";
import type { Rejection, VideoId } from "../core/interaction.ts";
import { encodeJson } from "../core/wire.ts";
import { askFor, type Requester } from "./asker.ts";

export class CatalogReader {
  readonly #bus: Requester;

  constructor(bus: Requester) {
    this.#bus = bus;
  }

  /** A page of videos; a rejection when no dispatcher answers. */
  videos(request: CatalogRequest): Promise<CatalogReply | Rejection> {
    return askFor(this.#bus, catalogSubject, encodeCatalogRequest(request), decodeCatalog);
  }

  /** Whether the log keeps `video` closed; `open`: it does not any more. */
  kept(video: VideoId, open: boolean): Promise<{ readonly kept: boolean } | Rejection> {
    return askFor(this.#bus, keptSubject, encodeJson({ video, open }), decodeKept);
  }
}
