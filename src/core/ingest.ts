/**
 * What a publisher may ask of any node, whatever its role: a dispatcher does it, a frontend relays it.
 */
import type { CommentDraft, Like, Rejection, VideoId } from "./interaction.ts";

export interface Ingest {
  /** Counts a like. Resolves with undefined once durable, with a rejection when it was not counted. */
  like(like: Like): Promise<Rejection | undefined>;
  /** As `like`, for each item. */
  likes(likes: readonly Like[]): Promise<readonly (Rejection | undefined)[]>;
  /** Places a comment. Resolves with its id once durable; a repeated key gives the first one's id. */
  comment(draft: CommentDraft): Promise<string | Rejection>;
  /** Removes a comment by id. False when there is none. */
  retract(video: VideoId, id: string): Promise<boolean | Rejection>;
}
