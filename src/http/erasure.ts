/** Deleting a video, and erasing a person, for those who run the place. */
import { BusUnavailable } from "../bus/bus.ts";
import { reject } from "../core/interaction.ts";
import { empty, refused } from "./answer.ts";
import type { Doors } from "./doors.ts";
import { type Entry, videoOf } from "./entry.ts";

/** `DELETE /v1/admin/videos/:video`: nothing of it is left, and 204 also where there was nothing. */
export async function deleteVideo(doors: Doors, entry: Entry): Promise<Response> {
  const video = videoOf(entry);
  const deleted = await doors.eraser.delete(video);
  if (typeof deleted === "object") return refused(deleted);
  if (!doors.moderation) return refused(reject("unavailable", "this node is starting", 2));
  try {
    await doors.moderation.deleted(video, entry.who);
  } catch (error) {
    if (!(error instanceof BusUnavailable)) throw error;
    return refused(reject("unavailable", "deleted, and not yet written down: ask again", 1));
  }
  return empty(204);
}
