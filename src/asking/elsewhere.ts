/**
 * Changes what a stream watches that another node holds: any node does it, one without streams too.
 *
 * A connection's id names its node, so nothing is looked up: that node is asked, and a node that does not
 * answer is most likely gone, and its streams with it.
 */
import { type Bus, BusUnavailable } from "../bus/bus.ts";
import { type Rejection, reject, type VideoId } from "../core/interaction.ts";
import { limits } from "../core/limits.ts";
import { decodeJson, encodeJson, isNodeName, subjects, type WatchRequest } from "../core/wire.ts";

/** What changing a stream came to. */
export type WatchVerdict = "done" | "unknown-connection" | Rejection;

/** Who changes what streams watch. */
export interface Watching {
  /**
   * Starts or stops watching `video` on an open stream, whichever node holds it; with `untilMs` the stream
   * lasts no longer than that, Unix ms.
   */
  watch(connection: string, video: VideoId, on: boolean, untilMs?: number): Promise<WatchVerdict>;
}

export class Elsewhere implements Watching {
  readonly #bus: Pick<Bus, "request" | "connected">;

  constructor(bus: Pick<Bus, "request" | "connected">) {
    this.#bus = bus;
  }

  async watch(connection: string, video: VideoId, on: boolean, untilMs?: number): Promise<WatchVerdict> {
    const node = nodeOf(connection);
    if (!isNodeName(node)) return "unknown-connection";
    const request: WatchRequest = { connection, video, watch: on, untilMs };
    try {
      const reply = await this.#bus.request(subjects.node(node), encodeJson(request), limits.requestMs);
      const verdict = decodeJson(reply);
      if (verdict?.verdict === "done") return "done";
      if (verdict?.verdict === "too-many-videos") return tooManyVideos();
      if (verdict?.verdict === "busy") return tooManyWatches();
      return "unknown-connection";
    } catch (error) {
      if (!(error instanceof BusUnavailable)) throw error;
      // That it is gone is not known while we are cut off ourselves.
      return this.#bus.connected()
        ? "unknown-connection"
        : reject("unavailable", "the stream's node cannot be reached", 1);
    }
  }
}

/** The name of the node that holds a stream, as its id says. */
export function nodeOf(connection: string): string {
  return connection.slice(0, connection.lastIndexOf("."));
}

export function tooManyWatches(): Rejection {
  return reject("busy", "too many videos are watched", 5);
}

export function tooManyVideos(): Rejection {
  return reject("too-many-videos", `a stream watches at most ${limits.videosPerStreamMax} videos`);
}
