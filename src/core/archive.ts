/**
 * A backup as bytes: what a running node sends, what `ovation backup` keeps, what `ovation restore` reads.
 *
 * A line that says what it is, then frames of u32 length of a head, u32 length of a body (both
 * little-endian), the head as JSON and the body as bytes. Bodies of frames that name the same part follow
 * each other and are that part. The last frame holds the SHA-256 of everything before it, so that a backup
 * that was cut short, or whose bytes are no longer those that were written, is told from a whole one:
 * archive.test.ts. A frame that says `failed` ends one that was given up, in the words of who gave it up.
 */
import { createHash, type Hash } from "node:crypto";
import { decodeJson, encodeJson } from "./wire.ts";

/** What a backup is of: the folder of a node alone, or the streams of a cluster. */
export type ArchiveOf = "folder" | "nats";

/** What a frame says of its body. */
export interface FrameHead {
  /** The file, or the stream, that the body is a piece of. */
  readonly part?: string;
  /** With the first piece of a part: what else belongs to it. */
  readonly about?: Readonly<Record<string, unknown>>;
}

export interface Frame extends FrameHead {
  readonly body: Uint8Array;
}

/** Bytes that are no whole backup; the message says why, in one line. */
export class ArchiveBroken extends Error {
  override readonly name = "ArchiveBroken";
}

const firstLine = "ovation backup 1 ";
const lineBytesMax = 64;
const headBytesMax = 64 * 1024;
/** Bytes of one body. Beyond: it is none of ours. */
const bodyBytesMax = 4 * 1024 * 1024;
const none = new Uint8Array(0);

/** Writes a backup, piece by piece: what each call answers has to be written, in their order. */
export class ArchiveWriter {
  readonly #hash: Hash = createHash("sha256");

  begin(of: ArchiveOf): Uint8Array {
    return this.#counted(Buffer.from(`${firstLine}${of}\n`));
  }

  frame(head: FrameHead, body: Uint8Array): Uint8Array {
    return this.#counted(encodeFrame(head, body));
  }

  /** The last frame of a whole backup. */
  end(): Uint8Array {
    return encodeFrame({ sha256: this.#hash.digest("hex") }, none);
  }

  /** The last frame of one that is given up. */
  fail(reason: string): Uint8Array {
    return encodeFrame({ failed: reason }, none);
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes);
    return bytes;
  }
}

function encodeFrame(head: object, body: Uint8Array): Uint8Array {
  const said = encodeJson(head as Record<string, unknown>);
  const frame = Buffer.alloc(8 + said.length + body.length);
  frame.writeUInt32LE(said.length, 0);
  frame.writeUInt32LE(body.length, 4);
  frame.set(said, 8);
  frame.set(body, 8 + said.length);
  return frame;
}

/** Reads a backup from bytes that come in pieces of any size. */
export class ArchiveReader {
  readonly #hash: Hash = createHash("sha256");
  #waiting: Uint8Array = none;
  #of: ArchiveOf | undefined;
  #whole = false;

  /** What it is of; undefined while its first line is not there. */
  get of(): ArchiveOf | undefined {
    return this.#of;
  }

  /** The frames that are whole with these bytes. Throws ArchiveBroken. */
  *read(bytes: Uint8Array): Generator<Frame> {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    if (this.#of === undefined && !this.#readLine()) return;
    for (let frame = this.#next(); frame; frame = this.#next()) yield frame;
  }

  /** To be called when there are no more bytes. Throws ArchiveBroken when it is not whole. */
  end(): void {
    if (!this.#whole) throw new ArchiveBroken(this.#of ? "it was cut short" : "it is no backup of ovation");
  }

  #readLine(): boolean {
    const end = this.#waiting.indexOf(0x0a);
    if (end < 0 && this.#waiting.length < lineBytesMax) return false;
    const line = Buffer.from(this.#waiting.subarray(0, Math.max(0, end))).toString("latin1");
    const of = line.startsWith(firstLine) ? line.slice(firstLine.length) : "";
    const other = /^ovation backup (\d{1,9}) /.exec(line)?.[1] ?? "1";
    if (other !== "1") throw new ArchiveBroken(`it is of version ${other}, this program knows 1`);
    if (of !== "folder" && of !== "nats") throw new ArchiveBroken("it is no backup of ovation");
    this.#of = of;
    this.#take(end + 1);
    return true;
  }

  #next(): Frame | undefined {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    if (this.#whole) throw new ArchiveBroken("something stands behind its end");
    if (waiting.length < 8) return undefined;
    const view = new DataView(waiting.buffer, waiting.byteOffset, waiting.length);
    const [headBytes, bodyBytes] = [view.getUint32(0, true), view.getUint32(4, true)];
    if (headBytes > headBytesMax || bodyBytes > bodyBytesMax) throw new ArchiveBroken("it is damaged");
    if (waiting.length < 8 + headBytes + bodyBytes) return undefined;
    const head = decodeJson(waiting.subarray(8, 8 + headBytes));
    if (!head) throw new ArchiveBroken("it is damaged");
    if (typeof head.failed === "string") throw new ArchiveBroken(head.failed);
    if (head.sha256 !== undefined) return this.#finish(head.sha256, 8 + headBytes + bodyBytes);
    const body = waiting.subarray(8 + headBytes, 8 + headBytes + bodyBytes);
    this.#take(8 + headBytes + bodyBytes);
    return { ...(head as FrameHead), body };
  }

  #finish(sha256: unknown, bytes: number): undefined {
    if (sha256 !== this.#hash.digest("hex")) throw new ArchiveBroken("it is damaged: its checksum differs");
    this.#whole = true;
    this.#waiting = this.#waiting.subarray(bytes);
    if (this.#waiting.length > 0) throw new ArchiveBroken("something stands behind its end");
    return undefined;
  }

  #take(count: number): void {
    this.#hash.update(this.#waiting.subarray(0, count));
    this.#waiting = this.#waiting.subarray(count);
  }
}
