/** Which videos a shared log has comments of: by the subjects of their stream, as its server lists them. */
import { isVideoId, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import type { Streams } from "./streams.ts";

const name = "comments";
const head = "comments.";

/** As Ledger.commented; asks limits.commentedPagesMax times at most, as some 100,000 are told at once. */
export async function commentedIn(
  streams: Streams,
  after: VideoId | undefined,
  search: string,
  most: number,
): Promise<readonly VideoId[]> {
  let found: VideoId[] = [];
  for (let page = 0, offset = 0; page < limits.commentedPagesMax; page++) {
    const { subjects, total } = await streams.subjects(name, `${head}*`, offset);
    const ids = subjects.map((subject) => subject.slice(head.length));
    const wanted = ids.filter((id) => isVideoId(id) && id.startsWith(search) && id > (after ?? ""));
    found = [...found, ...(wanted as VideoId[])].sort().slice(0, most);
    offset += subjects.length;
    if (subjects.length === 0 || offset >= total) break;
  }
  return found;
}
