/**
 * Frames: what two processes of one machine say to each other over a stream of bytes, cut where it was put
 * together.
 *
 * One layout serves all kinds, so there is one parser to trust: four bytes of length, then kind, flags, two
 * numbers, a short text, a position if there is one, and the body, all of them big-endian. A length beyond
 * limits.localFrameBytesMax, a text beyond its frame and a kind that nobody knows are refused before anything
 * is kept of them; frames.test.ts cuts the stream at every place.
 */
import { limits } from "../core/limits.ts";
import type { Position } from "./bus.ts";

/** What a frame is about; local.ts and local-hub.ts say who sends which. */
export const kinds = [
  "hello",
  "welcome",
  "ping",
  "pong",
  "subscribe",
  "unsubscribe",
  "publish",
  "message",
  "ask",
  "answer",
  "serve",
  "unserve",
  "call",
  "reply",
  "open",
  "put",
  "remove",
  "watch",
  "unwatch",
  "row",
  "synced",
] as const;
export type Kind = (typeof kinds)[number];

export interface Frame {
  readonly kind: Kind;
  /** Ties an answer to its question; 0 where there is none. At most 32 bits, as `more`. */
  readonly id: number;
  /** A second number, by kind: a table, a time in ms, an outcome. */
  readonly more: number;
  readonly flag: boolean;
  /** ASCII, at most 65,535 characters: a subject, a key, a name. */
  readonly text: string;
  readonly position: Position | undefined;
  readonly body: Uint8Array;
}

/** What arrived is not a frame of ours: nothing after it can be understood. */
export class FrameRefused extends Error {
  override readonly name = "FrameRefused";
}

const lengthBytes = 4;
/** Kind, flags, two numbers and the length of the text. */
const headBytes = 1 + 1 + 4 + 4 + 2;
const positionBytes = 16;
const flagBit = 1;
const positionBit = 2;
const nothing = new Uint8Array(0);
const numberOf = new Map<Kind, number>(kinds.map((kind, index) => [kind, index + 1]));

/** Bytes that a frame takes beside its text and its body, at most. */
export const frameBytes = lengthBytes + headBytes + positionBytes;

/** The frame as bytes. Throws when it is longer than any may be. */
export function encodeFrame(kind: Kind, parts: Partial<Omit<Frame, "kind">> = {}): Uint8Array {
  const { id = 0, more = 0, flag = false, text = "", position, body = nothing } = parts;
  const at = lengthBytes + headBytes + text.length;
  const length = at + (position ? positionBytes : 0) + body.length;
  if (length > limits.localFrameBytesMax || text.length > 65_535) throw new FrameRefused("too long a frame");
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeUInt32BE(length - lengthBytes, 0);
  bytes[4] = numberOf.get(kind) ?? 0;
  bytes[5] = (flag ? flagBit : 0) | (position ? positionBit : 0);
  bytes.writeUInt32BE(id, 6);
  bytes.writeUInt32BE(more, 10);
  bytes.writeUInt16BE(text.length, 14);
  bytes.write(text, lengthBytes + headBytes, "latin1");
  if (position) {
    bytes.writeDoubleBE(position.seq, at);
    bytes.writeDoubleBE(position.previous, at + 8);
  }
  bytes.set(body, length - body.length);
  return bytes;
}

/** Puts frames together from pieces of a stream. It holds one unfinished frame at most. */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that the frame under way takes, with its length; unknown while fewer than four are here. */
  #wanted: number | undefined;

  /**
   * The frames that `piece` completes, in order; their bodies share its memory. Throws FrameRefused: the
   * stream is then of no more use.
   */
  *read(piece: Uint8Array): Generator<Frame> {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#held > 0) {
        const missing = (this.#wanted ?? lengthBytes) - this.#held;
        const part = rest.subarray(0, missing);
        this.#hold(part);
        rest = rest.subarray(part.length);
        if (part.length < missing) return;
        const whole = this.#take();
        this.#wanted = wantedBytes(whole);
        if (whole.length === this.#wanted) {
          this.#wanted = undefined;
          yield decodeFrame(whole);
        } else this.#hold(whole);
        continue;
      }
      const wanted = rest.length < lengthBytes ? undefined : wantedBytes(rest);
      if (wanted === undefined || rest.length < wanted) {
        this.#wanted = wanted;
        this.#hold(rest);
        return;
      }
      yield decodeFrame(rest.subarray(0, wanted));
      rest = rest.subarray(wanted);
    }
  }

  #hold(part: Uint8Array): void {
    this.#pieces.push(part);
    this.#held += part.length;
  }

  #take(): Uint8Array {
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Uint8Array) : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#held = 0;
    return whole;
  }
}

function wantedBytes(bytes: Uint8Array): number {
  const length = lengthBytes + viewOf(bytes).getUint32(0);
  if (length > limits.localFrameBytesMax) throw new FrameRefused("too long a frame");
  if (length < lengthBytes + headBytes) throw new FrameRefused("too short a frame");
  return length;
}

function decodeFrame(bytes: Uint8Array): Frame {
  const view = viewOf(bytes);
  const kind = kinds[view.getUint8(4) - 1];
  const flags = view.getUint8(5);
  const textEnd = lengthBytes + headBytes + view.getUint16(14);
  const hasPosition = (flags & positionBit) !== 0;
  const bodyAt = textEnd + (hasPosition ? positionBytes : 0);
  if (!kind || flags > (flagBit | positionBit) || bodyAt > bytes.length)
    throw new FrameRefused("not a frame");
  return {
    kind,
    flag: (flags & flagBit) !== 0,
    id: view.getUint32(6),
    more: view.getUint32(10),
    text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
      "latin1",
      lengthBytes + headBytes,
      textEnd,
    ),
    position: hasPosition
      ? { seq: view.getFloat64(textEnd), previous: view.getFloat64(textEnd + 8) }
      : undefined,
    // Not a Buffer, whose `slice` shares what it should copy.
    body: new Uint8Array(bytes.buffer, bytes.byteOffset + bodyAt, bytes.length - bodyAt),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
