/**
 * Answers which videos there are: those that were liked, as the fold has them, those that have left memory,
 * and those that were only commented.
 *
 * The fold keeps its own in no order that a page could go by, so a page is looked for among all of them, some
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
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { emptyCounts, likesOf } from "../core/totals.ts";
import { encodeJson } from "../core/wire.ts";
import { type Ledger, LedgerUnavailable } from "../ledger/ledger.ts";

export interface CatalogParts {
  readonly ledger: Pick<Ledger, "videos" | "totals" | "commented" | "away">;
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

  async #page(request: CatalogRequest): Promise<CatalogReply> {
    const { limit } = request;
    const liked = await this.#liked(request);
    if (request.sort === "likes") return { videos: liked.slice(0, limit), more: liked.length > limit };
    const known = new Map<VideoId, CatalogVideo>(liked.map((one) => [one.video, one]));
    for (const video of await this.#others(request)) if (!known.has(video)) known.set(video, unread(video));
    const sorted = [...known.keys()].sort();
    const videos: CatalogVideo[] = [];
    for (const video of sorted.slice(0, limit))
      videos.push(await this.#told(known.get(video) as CatalogVideo));
    return { videos, more: sorted.length > limit };
  }

  /** In order, one more than fits on the page: those that have left memory, and those with comments. */
  async #others({ search, after, limit }: CatalogRequest): Promise<VideoId[]> {
    const { ledger } = this.#parts;
    const others = [...(await ledger.commented(after, search, limit + 1))];
    let left = limit;
    for (const video of ledger.away?.from(after, search) ?? []) {
      others.push(video);
      if (left-- <= 0) break;
    }
    return others;
  }

  /** With what it came to, also if it has left memory. */
  async #told({ video, totals, version }: CatalogVideo): Promise<CatalogVideo> {
    const { ledger } = this.#parts;
    const closed = ledger.away?.isClosed(video) && { closed: true as const };
    if (!closed) return { video, totals, version };
    await ledger.away?.read(video);
    const now = ledger.totals(video);
    return { video, totals: now.counts, version: now.version, ...closed };
  }

  /** The first of those in memory, in order, one more than fits on the page. */
  async #liked({ search, sort, after, limit }: CatalogRequest): Promise<Found[]> {
    const { ledger } = this.#parts;
    const before = sort === "likes" ? moreLiked : lowerId;
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
    return page;
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

/** One that nobody has likes of in memory. */
function unread(video: VideoId): CatalogVideo {
  return { video, totals: emptyCounts(), version: 0 };
}

function lowerId(one: Found, other: Found): boolean {
  return one.video < other.video;
}

function moreLiked(one: Found, other: Found): boolean {
  return one.likes === other.likes ? lowerId(one, other) : one.likes > other.likes;
}
