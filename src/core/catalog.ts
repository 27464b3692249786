/**
 * What a dispatcher is asked about all videos of its log, and what it answers: a page of them.
 *
 * As in wire.ts, nothing that another node says is believed unchecked.
 */
import { isKind, isVideoId, type VideoId } from "./interaction.ts";
import { limits } from "./limits.ts";
import { type Counts, emptyCounts } from "./totals.ts";
import { decodeJson, encodeJson, isCount } from "./wire.ts";

/** Where it is asked. */
export const catalogSubject = "videos";

/** Where it is asked whether it keeps a video closed, and told to open it. */
export const keptSubject = "kept";

/** Whether a video is one of those that moderation has left to the ledger; `open`: it is none any more. */
export interface KeptRequest {
  readonly video: VideoId;
  readonly open: boolean;
}

export const catalogSorts = ["id", "likes"] as const;

export interface CatalogRequest {
  /** What ids begin with; empty for all. */
  readonly search: string;
  /** By id, ascending; or the most liked first, of those in memory, of which there is one page. */
  readonly sort: (typeof catalogSorts)[number];
  /** By id: those behind this one. */
  readonly after?: VideoId | undefined;
  readonly limit: number;
}

export interface CatalogVideo {
  readonly video: VideoId;
  readonly totals: Counts;
  readonly version: number;
  /** The log keeps it closed. */
  readonly closed?: true;
}

export interface CatalogReply {
  readonly videos: readonly CatalogVideo[];
  /** There are more of them. */
  readonly more: boolean;
}

const searchPattern = /^[A-Za-z0-9_-]{0,64}$/;

/** Whether ids can begin with `text`. */
export function isSearch(text: string): boolean {
  return searchPattern.test(text);
}

export function encodeCatalogRequest(request: CatalogRequest): Uint8Array {
  return encodeJson(request);
}

export function decodeCatalogRequest(payload: Uint8Array): CatalogRequest | undefined {
  const m = decodeJson(payload);
  if (!m || typeof m.search !== "string" || !isSearch(m.search)) return undefined;
  const sort = catalogSorts.find((each) => each === m.sort);
  if (!sort || !isCount(m.limit) || m.limit < 1 || m.limit > limits.listingMax) return undefined;
  if (m.after !== undefined && !isVideoId(m.after)) return undefined;
  return { search: m.search, sort, after: m.after, limit: m.limit };
}

export function decodeKeptRequest(payload: Uint8Array): KeptRequest | undefined {
  const m = decodeJson(payload);
  if (!m || !isVideoId(m.video) || typeof m.open !== "boolean") return undefined;
  return { video: m.video, open: m.open };
}

/** Whether it was kept closed when it was asked. */
export function decodeKept(payload: Uint8Array): { readonly kept: boolean } | undefined {
  const m = decodeJson(payload);
  return typeof m?.kept === "boolean" ? { kept: m.kept } : undefined;
}

export function encodeCatalog({ videos, more }: CatalogReply): Uint8Array {
  const rows = videos.map(({ video, totals, version, closed }) => {
    return closed ? [video, totals, version, true] : [video, totals, version];
  });
  return encodeJson({ videos: rows, more });
}

export function decodeCatalog(payload: Uint8Array): CatalogReply | undefined {
  const m = decodeJson(payload);
  if (!m || !Array.isArray(m.videos) || typeof m.more !== "boolean") return undefined;
  if (m.videos.length > limits.listingMax) return undefined;
  const videos: CatalogVideo[] = [];
  for (const row of m.videos as unknown[]) {
    const read = Array.isArray(row) ? videoOf(row) : undefined;
    if (!read) return undefined;
    videos.push(read);
  }
  return { videos, more: m.more };
}

function videoOf([video, counts, version, closed]: readonly unknown[]): CatalogVideo | undefined {
  if (!isVideoId(video) || !isCount(version) || typeof counts !== "object" || counts === null)
    return undefined;
  const totals = emptyCounts();
  for (const [kind, count] of Object.entries(counts)) {
    if (!isKind(kind) || !isCount(count)) return undefined;
    totals[kind] = count;
  }
  return { video, totals, version, ...(closed === true && { closed: true as const }) };
}
