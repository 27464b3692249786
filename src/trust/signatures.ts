/**
 * Addresses that need no token: of one video, to be read until a time, signed.
 *
 * Caches share an answer among those who ask for the same address, so it may name nobody and must be the
 * same for all who may watch the video: its end falls on whole windows, and whoever asks within one window is
 * given the same. HMAC-SHA256 (RFC 2104) of the video and the end, under keys made from the secrets for this
 * alone. Held by signatures.test.ts.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { VideoId } from "../core/interaction.ts";

/** Whoever asks within one such window is given the same address, s. */
const windowS = 300;
const purpose = "ovation live addresses 1";

export class Signatures {
  readonly #keys: readonly Buffer[];

  /** `secrets`: the first one signs, all are taken, so that they can be rotated. At least one. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map((secret) => createHmac("sha256", secret).update(purpose).digest());
  }

  /** The query that lets whoever has it read `video`, for one window at least and two at most. */
  query(video: VideoId, nowMs: number): string {
    const until = String((Math.floor(nowMs / 1000 / windowS) + 2) * windowS);
    const [key] = this.#keys;
    return `until=${until}&sig=${key === undefined ? "" : signed(key, video, until).toString("base64url")}`;
  }

  /** Whether `sig` was made here for `video` and `until` (Unix s), which is not over. Untrusted, both. */
  holds(video: VideoId, until: string | null, sig: string | null, nowMs: number): boolean {
    return this.isOurs(video, until, sig) && 1000 * Number(until) > nowMs;
  }

  /** The same, whether or not it is over. */
  isOurs(video: VideoId, until: string | null, sig: string | null): boolean {
    if (until === null || sig === null || !/^[0-9]{1,12}$/.test(until)) return false;
    const given = Buffer.from(sig, "base64url");
    let isOurs = false;
    for (const key of this.#keys) {
      const right = signed(key, video, until);
      if (given.length === right.length && timingSafeEqual(given, right)) isOurs = true;
    }
    return isOurs;
  }
}

function signed(key: Buffer, video: VideoId, until: string): Buffer {
  return createHmac("sha256", key).update(`${video}\n${until}`).digest();
}
