/**
 * The streams that are open on this node, found by the id that their viewers were told.
 *
 * An id lets its holder change what the stream watches, so it cannot be guessed: 104 bits of it are secret.
 * It is not kept as text but made of the stream's place and two numbers; text, and a map by it, would be half
 * a kilobyte for each of a hundred thousand viewers. Held by streams.test.ts.
 */
import type { Elapsed } from "../base/clock.ts";
import { secretNumber } from "../base/prng.ts";
import type { VideoId } from "../core/interaction.ts";
import type { ConnectionClass } from "../fanout/connection.ts";
import { type Home, Viewer } from "../fanout/slot.ts";
import type { OpenStream, StreamHolder } from "./request.ts";
import type { Words } from "./words.ts";

/** Digits of 52 bits to the base of 36. */
const digits = 11;

export interface StreamParts {
  readonly connection: ConnectionClass;
  readonly words: Words;
  readonly shard: Home;
  /** Whoever let it in. */
  readonly holder: StreamHolder | undefined;
  readonly nowMs: Elapsed;
}

/** A viewer of this node, and its stream as whoever let it in sees it. */
export class Stream extends Viewer implements OpenStream {
  readonly holder: StreamHolder | undefined;
  readonly high = secretNumber();
  readonly low = secretNumber();
  /** Its place among the streams; -1: it is none of them. */
  place = -1;
  readonly #words: Words;

  constructor({ connection, words, shard, holder, nowMs }: StreamParts) {
    super(connection, shard, words.drawBeat(), nowMs);
    this.holder = holder;
    this.#words = words;
  }

  videos(): readonly VideoId[] {
    return this.watches.map(({ video }) => video);
  }

  end(reason: "banned" | "revoked"): void {
    this.connection.end(reason, this.#words.bye(reason));
  }
}

export class Streams {
  readonly #node: string;
  readonly #places: (Stream | undefined)[] = [];
  readonly #free: number[] = [];

  /** `node` is where to find them: ids begin with it. */
  constructor(node: string) {
    this.#node = node;
  }

  get size(): number {
    return this.#places.length - this.#free.length;
  }

  add(stream: Stream): void {
    stream.place = this.#free.pop() ?? this.#places.length;
    this.#places[stream.place] = stream;
  }

  /** False when it was not here. */
  delete(stream: Stream): boolean {
    if (stream.place < 0) return false;
    this.#places[stream.place] = undefined;
    this.#free.push(stream.place);
    stream.place = -1;
    return true;
  }

  /** The id of a stream that is here. */
  idOf({ place, high, low }: Stream): string {
    return `${this.#node}.${textOf(high)}${textOf(low)}${place.toString(36)}`;
  }

  /** The stream with this id; undefined when it is not open here. */
  find(id: string): Stream | undefined {
    const place = Number.parseInt(id.slice(id.lastIndexOf(".") + 1 + 2 * digits), 36);
    const stream = this.#places[place];
    return stream && this.idOf(stream) === id ? stream : undefined;
  }

  all(): Stream[] {
    return this.#places.filter((stream) => stream !== undefined);
  }
}

function textOf(secret: number): string {
  return secret.toString(36).padStart(digits, "0");
}
