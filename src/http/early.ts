/**
 * What a node answers while it is still looking for its cluster: to everything, "come back in a moment".
 *
 * The process is alive and says so, but knows no log and no other node. Publishers get 503, since nothing was
 * taken; streams get 200 with `retry` and `bye`, since an EventSource gives up on anything else. Held by
 * system/cluster-entrance.test.ts.
 */
import type { Prng } from "../base/prng.ts";
import { type Rejection, reject } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { Words } from "../frontend/words.ts";
import type { Doors, Streams } from "./doors.ts";

const retryAfterS = 2;

/** The doors of a node that is not there yet. */
export function earlyDoors(prng: Prng): Pick<
  Doors,
  "catalog" | "eraser" | "ingest" | "reader" | "times" | "watching"
> & {
  readonly frontend: Streams;
  readonly refusal: () => Rejection;
} {
  const refusal = () => reject("unavailable", "this node is starting", retryAfterS);
  const words = new Words({ prng, node: "", beatMs: limits.beatMaxMs, streamAgeMs: 0, streams: () => 0 });
  return {
    refusal,
    ingest: {
      like: async () => refusal(),
      likes: async (likes) => likes.map(refusal),
      comment: async () => refusal(),
      retract: async () => refusal(),
    },
    reader: { state: async () => refusal(), listing: async () => refusal() },
    catalog: { videos: async () => refusal(), kept: async () => refusal() },
    eraser: { delete: async () => refusal(), erase: async () => refusal(), progress: async () => refusal() },
    times: { timeline: async () => refusal(), moments: async () => refusal(), replay: async () => refusal() },
    watching: { watch: async () => refusal() },
    frontend: {
      draining: false,
      connections: 0,
      watches: () => [],
      watched: () => false,
      open: ({ lastEventId, holder }) => {
        holder?.ended();
        return new ReadableStream({
          start(controller) {
            controller.enqueue(words.bye("starting", lastEventId));
            controller.close();
          },
        });
      },
      refuse: (reason, lastEventId, poll) => words.bye(reason, lastEventId, poll),
      poll: async () => refusal(),
      live: async () => refusal(),
    },
  };
}
