/** Asks whichever dispatcher answers which videos there are. */
import { BusUnavailable } from "../bus/bus.ts";
import {
  type CatalogReply,
  type CatalogRequest,
  catalogSubject,
  decodeCatalog,
  encodeCatalogRequest,
} from "../core/catalog.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Requester } from "./asker.ts";

export class CatalogReader {
  readonly #bus: Requester;

  constructor(bus: Requester) {
    this.#bus = bus;
  }

  /** A page of videos; a rejection when no dispatcher answers. */
  async videos(request: CatalogRequest): Promise<CatalogReply | Rejection> {
    try {
      const reply = await this.#bus.request(catalogSubject, encodeCatalogRequest(request), limits.requestMs);
      return decodeCatalog(reply) ?? reject("unavailable", "the log gave no answer", 1);
    } catch (error) {
      if (error instanceof BusUnavailable) return reject("unavailable", "the log cannot be reached", 1);
      throw error;
    }
  }
}
