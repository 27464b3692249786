/** Which videos a shared log has comments of: by the subjects of their stream, as its server lists them. */
import { isClearing } from "../core/entry.ts";
import type { VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeEntry, videoOf } from "../core/wire.ts";
import { commentStream, commentsSubject } from "./comment-stream.ts";
import type { Streams } from "./streams.ts";

const { name, subject: everything } = commentStream(1);

/** As Ledger.commented; asks limits.commentedPagesMax times at most, as some 100,000 are told at once. */
export async function commentedIn(
  streams: Streams,
  after: VideoId | undefined,
  search: string,
  most: number,
): Promise<readonly VideoId[]> {
  let found: VideoId[] = [];
  for (let page = 0, offset = 0; page < limits.commentedPagesMax; page++) {
    const { subjects, total } = await streams.subjects(name, everything, offset);
    const ids = subjects.map(videoOf).filter((id) => id !== undefined);
    const wanted = ids.filter((id) => id.startsWith(search) && id > (after ?? ""));
    found = [...found, ...wanted].sort().slice(0, Math.max(most, limits.commentedLooksMax));
    offset += subjects.length;
    if (subjects.length === 0 || offset >= total) break;
  }
  return notDeleted(streams, found, most);
}

/** The first `most` of `videos` whose newest entry is not that of their deletion. */
async function notDeleted(streams: Streams, videos: readonly VideoId[], most: number): Promise<VideoId[]> {
  const told: VideoId[] = [];
  const looks = limits.commentedLooksAtOnce;
  for (let at = 0; told.length < most && at < videos.length; at += looks) {
    const some = videos.slice(at, at + looks);
    const isSeen = at < limits.commentedLooksMax;
    const gone = await Promise.all(isSeen ? some.map((video) => isDeleted(streams, video)) : []);
    told.push(...some.filter((_, index) => !gone[index]));
  }
  return told.slice(0, most);
}

async function isDeleted(streams: Streams, video: VideoId): Promise<boolean> {
  const last = await streams.last(name, commentsSubject(video));
  const entry = last && decodeEntry(last.payload, video, last.seq, 0);
  return entry !== undefined && isClearing(entry);
}
