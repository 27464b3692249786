/**
 * What a dispatcher is asked about deletions, and what it answers: that a video be deleted, that a person be
 * erased from all of them, and how far that has come.
 *
 * As in wire.ts, nothing that another node says is believed unchecked.
 */
import { isVideoId, type VideoId } from "./interaction.ts";
import { decodeJson, encodeJson, isCount } from "./wire.ts";

/** Where it is asked. */
export const erasureSubject = "erasures";

/** Characters of a user's name, here and where moderators name one. */
export const erasedUserMax = 128;

export type ErasureRequest =
  | { readonly want: "delete"; readonly video: VideoId }
  | { readonly want: "erase" | "progress"; readonly user: string };

/** How far an erasure has come. */
export interface Erasing {
  /** none: nothing is under way. */
  readonly state: "none" | "running";
  /** Places of comments that were looked at, and how many there are to be. */
  readonly looked: number;
  readonly of: number;
  /** Comments that were removed so far. */
  readonly removed: number;
}

export interface ErasureReply {
  /** Whether there was anything to delete. */
  readonly found: boolean;
  readonly erasing: Erasing;
}

export const notErasing: Erasing = { state: "none", looked: 0, of: 0, removed: 0 };

/** Users are the same when they look the same. */
export function sameUser(user: string): string {
  return user.normalize("NFKC").trim().toLowerCase();
}

export function encodeErasureRequest(request: ErasureRequest): Uint8Array {
  return encodeJson(request);
}

export function decodeErasureRequest(payload: Uint8Array): ErasureRequest | undefined {
  const { want, video, user } = decodeJson(payload) ?? {};
  if (want === "delete") return isVideoId(video) ? { want, video } : undefined;
  const isUser = typeof user === "string" && user.length > 0 && user.length <= erasedUserMax;
  return (want === "erase" || want === "progress") && isUser ? { want, user } : undefined;
}

export function encodeErasureReply(reply: ErasureReply): Uint8Array {
  return encodeJson(reply);
}

export function decodeErasureReply(payload: Uint8Array): ErasureReply | undefined {
  const m = decodeJson(payload);
  const erasing = m && erasingOf(m.erasing);
  return erasing && typeof m.found === "boolean" ? { found: m.found, erasing } : undefined;
}

/** How far an erasure has come, as `value` says; undefined when it says nothing of the kind. */
export function erasingOf(value: unknown): Erasing | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { state, looked, of, removed } = value as Partial<Erasing>;
  if (state !== "none" && state !== "running") return undefined;
  return isCount(looked) && isCount(of) && isCount(removed) ? { state, looked, of, removed } : undefined;
}
