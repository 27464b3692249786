/**
 * The ways to hear of a video: streams, what an open stream watches, and the long poll.
 *
 * EventSource gives up for good on anything but 200, so a stream that cannot be served now is still answered
 * with 200, told when to come back, and closed. Only a request that can never succeed gets an error. Whoever
 * has something open here has a seat (seats.ts), and leaves it when they would not be let in any more.
 */
import { reject, type VideoId } from "../core/interaction.ts";
import type { OpenStream, StreamHolder } from "../frontend/request.ts";
import type { Identity } from "../trust/identity.ts";
import type { Payer } from "../trust/payer.ts";
import { empty, json, jsonHead, lastAnswer, refuse, refused, streamAnswer } from "./answer.ts";
import { unauthorized } from "./auth.ts";
import { lastEventIdOf, wholeNumber } from "./call.ts";
import type { Doors, Streams } from "./doors.ts";
import { type Entry, type Place, videoOf } from "./entry.ts";
import { noteProxy } from "./forwarded.ts";
import type { Seat, Seats, Verdict } from "./seats.ts";

/** Characters of a poll's cursor. Beyond: 400. */
const cursorCharsMax = 256;
/** Of a long poll. Beyond: 400. */
export const waitSecondsMax = 25;
const connectionPattern = /^[A-Za-z0-9_.-]{1,128}$/;

export function noStreams(): Response {
  return refuse("no-streams", "this node holds no streams: ask a node with --role=frontend or --role=both");
}

/** `GET /v1/videos/:video/events` */
export function getVideoEvents(doors: Doors, entry: Entry): Response {
  return doors.frontend ? stream(doors, doors.frontend, entry) : noStreams();
}

/** `GET /v1/events?video=a&video=b` */
export function getEvents(doors: Doors, entry: Entry): Response {
  return doors.frontend ? stream(doors, doors.frontend, entry) : noStreams();
}

/** A stream's seat. Every viewer has one, for long: so it is one object, and keeps nothing of the request. */
class StreamSeat implements Seat, StreamHolder {
  readonly who: Identity;
  readonly address: string | undefined;
  readonly payer: Payer | undefined;
  readonly #seats: Seats;
  readonly #place: Place | undefined;
  at = -1;
  #open: OpenStream | undefined;

  constructor({ who, address, payer, place }: Entry, seats: Seats) {
    this.who = who;
    this.address = address;
    this.payer = payer;
    this.#seats = seats;
    this.#place = place;
    if (place) place.kept = true;
  }

  /** It is taken. */
  opened(open: OpenStream): void {
    this.#open = open;
    this.#seats.take(this);
  }

  /** It is given back; also when the stream never opened. */
  ended(): void {
    this.#seats.leave(this);
    this.#place?.leave();
  }

  videos(): readonly VideoId[] {
    return this.#open?.videos() ?? [];
  }

  end(verdict: Verdict): void {
    this.#open?.end(verdict);
  }
}

function stream(doors: Doors, frontend: Streams, entry: Entry): Response {
  const { request, videos, who, held: reviews } = entry;
  const isPrivate = who.by !== "nobody";
  const lastEventId = lastEventIdOf(request, entry.query);
  // Must not count as a viewer for an instant.
  if (request.method === "HEAD") return streamAnswer(null, isPrivate);
  if (frontend.draining) return lastAnswer(frontend.refuse("drain", lastEventId) as BodyInit);
  noteProxy(doors, entry);
  const seat = new StreamSeat(entry, doors.seats);
  const body = frontend.open({
    ...{ videos, lastEventId, reviews, holder: seat },
    ...{ asked: request, untilMs: who.untilMs },
  });
  return streamAnswer(body, isPrivate);
}

/** `PUT /v1/connections/:connection/videos/:video` */
export function putWatch(doors: Doors, entry: Entry): Promise<Response> {
  return watch(doors, entry, true);
}

/** `DELETE /v1/connections/:connection/videos/:video` */
export function deleteWatch(doors: Doors, entry: Entry): Promise<Response> {
  return watch(doors, entry, false);
}

async function watch(doors: Doors, entry: Entry, on: boolean): Promise<Response> {
  const { connection = "" } = entry.params;
  const outcome = connectionPattern.test(connection)
    ? await doors.watching.watch(connection, videoOf(entry), on, on ? entry.who.untilMs : undefined)
    : "unknown-connection";
  if (outcome === "unknown-connection") return refuse("unknown-connection", "no such stream is open");
  if (outcome !== "done") return refused(outcome);
  return empty(204);
}

/** `GET /v1/videos/:video/poll?after=CURSOR&wait=25` */
export async function getPoll(doors: Doors, entry: Entry): Promise<Response> {
  if (!doors.frontend) return noStreams();
  const { query, request, who } = entry;
  const video = videoOf(entry);
  const wait = wholeNumber(query, "wait", { min: 0, max: waitSecondsMax, fallback: 0 });
  if (typeof wait === "object") return refused(wait);
  const after = query.get("after") || undefined;
  if (after !== undefined && after.length > cursorCharsMax) {
    return refuse("bad-query", `after must have at most ${cursorCharsMax} characters`);
  }
  if (request.method === "HEAD") return jsonHead();
  // A poll ends with its permission, as a stream does.
  const leftMs = (who.untilMs ?? Number.POSITIVE_INFINITY) - doors.clock.date();
  const waitMs = Math.max(0, Math.min(wait * 1000, leftMs));
  const sitting = sit(entry, video);
  doors.seats.take(sitting.seat);
  try {
    const answer = await doors.frontend.poll(video, after, waitMs, sitting.signal);
    const verdict = sitting.verdict();
    if (verdict !== undefined) return sentAway(verdict);
    return "rejected" in answer ? refused(answer) : json(200, answer);
  } finally {
    doors.seats.leave(sitting.seat);
    sitting.stand();
  }
}

/** A poll's seat, and a signal that ends its wait when its client has left or it is sent away. */
function sit({ request, who, address, payer }: Entry, video: VideoId) {
  const abort = new AbortController();
  let verdict: Verdict | undefined;
  const left = (): void => abort.abort();
  request.signal.addEventListener("abort", left);
  if (request.signal.aborted) left();
  const seat: Seat = {
    at: -1,
    who,
    address,
    payer,
    videos: () => [video],
    end: (why) => {
      verdict = why;
      left();
    },
  };
  return {
    seat,
    signal: abort.signal,
    verdict: () => verdict,
    stand: () => request.signal.removeEventListener("abort", left),
  };
}

function sentAway(verdict: Verdict): Response {
  if (verdict === "banned") return refused(reject("banned", "you are banned here"));
  return unauthorized("what was proven does not hold any more");
}
