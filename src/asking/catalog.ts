/** Asks whichever dispatcher answers which videos there are. */
import {
  type CatalogReply,
  type CatalogRequest,
  catalogSubject,
  decodeCatalog,
  encodeCatalogRequest,
} from "../core/catalog.ts";
import type { Rejection } from "../core/interaction.ts";
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
}
