/**
 * Asks whichever dispatcher answers about a video's own time: its timeline, its moments, a page of its
 * replay.
 */
import { type Rejection, reject } from "../core/interaction.ts";
import {
  decodeTimes,
  type MomentsReply,
  type Over,
  type ReplayReply,
  readMoments,
  readReplay,
  readTimeline,
  type TimelineReply,
  type TimesRequest,
  type TimesWant,
  timesSubject,
} from "../core/times.ts";
import { encodeJson } from "../core/wire.ts";
import { askFor, type Requester } from "./asker.ts";

type Asked = Omit<TimesRequest, "want">;

/** A rejection where no dispatcher can say, or one answer cannot hold what was asked for. */
export class TimesReader {
  readonly #bus: Requester;

  constructor(bus: Requester) {
    this.#bus = bus;
  }

  timeline(asked: Asked): Promise<TimelineReply | Rejection> {
    return this.#ask(asked, "timeline", readTimeline);
  }

  replay(asked: Asked): Promise<ReplayReply | Rejection> {
    return this.#ask(asked, "replay", readReplay);
  }

  moments(asked: Asked): Promise<MomentsReply | Rejection> {
    return this.#ask(asked, "moments", readMoments);
  }

  async #ask<T extends Over>(
    asked: Asked,
    want: TimesWant,
    read: (message: Record<string, unknown>) => T | undefined,
  ): Promise<T | Rejection> {
    const request: TimesRequest = { ...asked, want };
    const told = await askFor(this.#bus, timesSubject, encodeJson(request), (reply) =>
      decodeTimes(reply, read),
    );
    if (!("refused" in told)) return told;
    if (told.refused === "off") return reject("unknown-video", "no timelines are kept here (--timeline)");
    return reject("bad-query", "one answer does not hold so much: ask for longer steps, or for less");
  }
}
