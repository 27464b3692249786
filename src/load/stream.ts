/**
 * One viewer's stream, from bytes to signals: HTTP head, body framing, SSE blocks, typed events.
 *
 * Ten thousand viewers of one video receive the same bytes ten thousand times. Between two blocks a
 * stream has no memory but its viewer's own, so equal bytes mean equal signals: `Repeats` keeps the last
 * few pieces that began and ended between two blocks, and a stream that receives one of them again takes
 * the signals made then. Only a comparison of bytes is skipped over, never a check.
 */
import { readSignal, type Signal } from "./events.ts";
import { BodyReader, framingOf, type Head, parseHead } from "./http-answer.ts";
import { type Block, SseParser } from "./sse-parser.ts";

/** Pieces remembered per video: likes and comments of a few ticks, alone and joined. */
const repeatsMax = 8;

interface Repeat {
  readonly bytes: Buffer;
  readonly chunked: boolean;
  readonly signals: readonly Signal[];
}

/** What was sent lately to viewers of one video. */
export class Repeats {
  readonly video: string;
  readonly #recent: Repeat[] = [];
  #newest = 0;
  /** Pieces that had been read before, and pieces that had to be read. */
  hits = 0;
  misses = 0;

  constructor(video: string) {
    this.video = video;
  }

  find(bytes: Buffer, chunked: boolean): readonly Signal[] | undefined {
    const recent = this.#recent;
    for (let back = 0; back < recent.length; back++) {
      const repeat = recent[(this.#newest + repeatsMax - back) % repeatsMax];
      if (repeat?.bytes.length !== bytes.length || repeat.chunked !== chunked) continue;
      if (!repeat.bytes.equals(bytes)) continue;
      this.hits++;
      return repeat.signals;
    }
    this.misses++;
    return undefined;
  }

  keep(bytes: Buffer, chunked: boolean, signals: readonly Signal[]): void {
    this.#newest = (this.#newest + 1) % repeatsMax;
    this.#recent[this.#newest] = { bytes: Buffer.from(bytes), chunked, signals };
  }
}

const none: readonly Signal[] = [];

/** What a viewer learnt from some bytes: signals, or why its stream is of no more use. */
export type Read = readonly Signal[] | { readonly broken: string };

export class StreamReader {
  /** The answer's status; 0 until the head was read. */
  status = 0;
  #head: Buffer | undefined;
  #body: BodyReader | undefined;
  #chunked = false;
  readonly #sse = new SseParser();

  /** True once the server ended the answer. */
  get ended(): boolean {
    return this.#body?.done ?? false;
  }

  /** Reads the next bytes of the connection. */
  read(bytes: Buffer, repeats: Repeats): Read {
    let rest = bytes;
    if (!this.#body) {
      const all = this.#head ? Buffer.concat([this.#head, bytes]) : bytes;
      const head = parseHead(all);
      if (head === undefined) {
        this.#head = Buffer.from(all);
        return none;
      }
      if (head === "bad") return { broken: "the answer is not HTTP/1.1" };
      const refused = this.#open(head);
      if (refused) return { broken: refused };
      rest = all.subarray(head.bodyAt);
    }
    return this.#read(rest, repeats);
  }

  #open(head: Head): string | undefined {
    this.#head = undefined;
    this.status = head.status;
    if (head.status !== 200) return `the answer is ${head.status}`;
    const type = head.headers.get("content-type") ?? "";
    if (!/^text\/event-stream\s*(?:;|$)/i.test(type)) return `the answer's type is "${type}"`;
    const framing = framingOf(head);
    if (framing === undefined) return "the answer's framing is unknown";
    this.#chunked = framing === "chunked";
    this.#body = new BodyReader(framing);
    return undefined;
  }

  #read(bytes: Buffer, repeats: Repeats): Read {
    const body = this.#body;
    if (!body || bytes.length === 0) return none;
    const fromRest = body.idle && this.#sse.idle;
    if (fromRest) {
      const known = repeats.find(bytes, this.#chunked);
      if (known) return known;
    }
    const signals: Signal[] = [];
    const onBlock = (block: Block): void => {
      signals.push(readSignal(block, repeats.video));
    };
    let bounded = true;
    const taken = body.push(bytes, (piece) => {
      if (!this.#sse.push(piece, onBlock)) bounded = false;
    });
    if (taken < 0) return { broken: "its chunks are broken" };
    if (!bounded) return { broken: "an event outgrew 1 MB" };
    if (fromRest && body.idle && !body.done && this.#sse.idle && signals.every(isShared)) {
      repeats.keep(bytes, this.#chunked, signals);
    }
    return signals;
  }
}

/** `hello` and `snapshot` are made for one viewer: remembering them would push out what repeats. */
function isShared(signal: Signal): boolean {
  return signal.kind !== "hello" && signal.kind !== "snapshot";
}
