/** Deleting a video, and erasing a person, for those who run the place. */
import { BusUnavailable } from "../bus/bus.ts";
import { erasedUserMax } from "../core/erasure.ts";
import { isRejection, reject } from "../core/interaction.ts";
import { isVisible } from "../core/text.ts";
import type { Moderation } from "../trust/moderation.ts";
import { empty, json, refuse, refused } from "./answer.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";

/** `DELETE /v1/admin/users/:user`, or `?user=`: begins to erase a person, if that is not under way. */
export async function eraseUser(doors: Doors, entry: Entry): Promise<Response> {
  const user = userOf(entry);
  if (user instanceof Response) return user;
  const erasing = await doors.eraser.erase(user);
  if (isRejection(erasing)) return refused(erasing);
  const failed = await written(doors, (moderation) => moderation.erased(user, entry.who));
  return failed ?? json(202, erasing);
}

/** `GET /v1/admin/users/:user`, or `?user=`: how far that has come. */
export async function getErasure(doors: Doors, entry: Entry): Promise<Response> {
  const user = userOf(entry);
  if (user instanceof Response) return user;
  const erasing = await doors.eraser.progress(user);
  return isRejection(erasing) ? refused(erasing) : json(200, erasing);
}

/**
 * The person that the path or the query names; they are on all videos, so whoever asks must be for all of
 * them.
 */
function userOf({ who, params, query, request }: Entry): string | Response {
  if (who.videos !== undefined) return refuse("forbidden", "this token is not for all videos");
  // Taken for a name, it would be somebody else's, and nobody would be told that it is not who was meant.
  if (!isDecodable(request.url)) return refuse("bad-field", "user must be in UTF-8, percent-encoded");
  const { user = query.get("user") ?? "" } = params;
  if (!isVisible(user) || user.length > erasedUserMax) {
    return refuse("bad-field", `user must be 1 to ${erasedUserMax} characters, one of them visible`);
  }
  return user;
}

function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

/** Has something written down; an answer when that cannot be now. */
async function written(
  { moderation }: Doors,
  write: (moderation: Moderation) => Promise<void>,
): Promise<Response | undefined> {
  if (!moderation) return refused(reject("unavailable", "this node is starting", 2));
  try {
    await write(moderation);
    return undefined;
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return refused(reject("unavailable", "it is done, and not yet written down: ask again", 1));
  }
}

/** `DELETE /v1/admin/videos/:video`: nothing of it is left, and 204 also where there was nothing. */
export async function deleteVideo(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const deleted = await doors.eraser.delete(video);
  if (typeof deleted === "object") return refused(deleted);
  const failed = await written(doors, (moderation) => moderation.deleted(video, entry.who));
  if (failed) return failed;
  // It may have been on its way out of memory, closed, when it was deleted.
  const opened = await doors.catalog.kept(video, true);
  return isRejection(opened) ? refused(opened) : empty(204);
}
