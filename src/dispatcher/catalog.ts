/**
 * Answers which videos there are: those that were liked, as the fold has them.
 *
 * The fold keeps them in no order that a page could go by, so a page is looked for among all of them, some
 * thousands a turn: a million take a while, and nobody waits for it (catalog.test.ts).
 */
import type { Clock } from "../base/clock.ts";
import { placeIn } from "../base/sorted.ts";
import {
  type CatalogReply,
  type CatalogRequest,
  type CatalogVideo,
  decodeCatalogRequest,
  decodeKeptRequest,
  encodeCatalog,
} from "../core/catalog.ts";
import { limits } from "../core/limits.ts";
import { likesOf } from "../core/totals.ts";
import { encodeJson } from "../core/wire.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface CatalogParts {
  readonly ledger: Pick<Ledger, "videos" | "totals">;
  readonly clock: Clock;
}

type Found = CatalogVideo & { readonly likes: number };

export class Catalog {
  readonly #parts: CatalogParts;
  #looking = 0;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  /** Answers a request (core/catalog.ts). Rejects with LedgerUnavailable, also for what is none. */
  async serve(payload: Uint8Array): Promise<Uint8Array> {
    const request = decodeCatalogRequest(payload);
    if (!request) throw new LedgerUnavailable("not a question about videos");
    if (this.#looking >= limits.catalogsMax) throw new LedgerUnavailable("too many ask for videos");
    this.#looking++;
    try {
      return encodeCatalog(await this.#page(request));
    } finally {
      this.#looking--;
    }
  }

  async #page({ search, sort, after, limit }: CatalogRequest): Promise<CatalogReply> {
    const { ledger } = this.#parts;
    const before = sort === "likes" ? moreLiked : lowerId;
    /** The first of those seen so far, in order, one more than fits on the page. */
    const page: Found[] = [];
    let seen = 0;
    for (const video of ledger.videos()) {
      if (++seen % limits.catalogTurnMax === 0) await this.#turn();
      if (!video.startsWith(search) || (after !== undefined && sort === "id" && video <= after)) continue;
      const last = page.length > limit ? page[limit] : undefined;
      if (last && sort === "id" && last.video < video) continue;
      const { counts: totals, version } = ledger.totals(video);
      const found = { video, totals, version, likes: likesOf(totals) };
      if (last && !before(found, last)) continue;
      page.splice(
        placeIn(page, (one) => before(one, found)),
        0,
        found,
      );
      page.length = Math.min(page.length, limit + 1);
    }
    return { videos: page.slice(0, limit), more: page.length > limit };
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.soon(() => resolve()));
  }
}

/**
 * Answers whether the ledger keeps a video closed, and opens it, if asked to (core/catalog.ts). Rejects with
 * LedgerUnavailable, also for what is no request.
 */
export async function serveKept({ away }: Pick<Ledger, "away">, payload: Uint8Array): Promise<Uint8Array> {
  const request = decodeKeptRequest(payload);
  if (!request) throw new LedgerUnavailable("not a question about a closed video");
  const { video, open } = request;
  const kept = away?.isClosed(video) ?? false;
  if (kept && open) await away?.open(video);
  return encodeJson({ kept });
}

function lowerId(one: Found, other: Found): boolean {
  return one.video < other.video;
}

function moreLiked(one: Found, other: Found): boolean {
  return one.likes === other.likes ? lowerId(one, other) : one.likes > other.likes;
}
