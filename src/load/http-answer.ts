/**
 * The little of HTTP/1.1 that a client needs to read an answer from a raw socket: a head, then a body
 * that is chunked, has a length, or lasts until the connection closes (RFC 9112, sections 4, 6 and 7).
 *
 * Written by hand because 10,000 streams share half a machine with the server they measure; a client
 * library costs several times the parsing. It reads answers of servers under test, so it is strict:
 * what it does not understand is an error, never a guess.
 *
 * Not here: requests, redirects, compression, trailers' meaning.
 */

/** Bytes of an answer's head. Beyond: error. */
const headBytesMax = 16 * 1024;
/** Characters of a chunk-size line. Beyond: error. */
const sizeLineMax = 64;

export interface Head {
  readonly status: number;
  /** Names in lower case; a repeated name keeps its last value. */
  readonly headers: ReadonlyMap<string, string>;
  /** Where the body starts in the bytes given. */
  readonly bodyAt: number;
}

/** The head at the start of `bytes`; undefined while it is incomplete; "bad" if it is not HTTP. */
export function parseHead(bytes: Buffer): Head | "bad" | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return bytes.length > headBytesMax ? "bad" : undefined;
  const lines = bytes.toString("latin1", 0, end).split("\r\n");
  const status = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: |$)/.exec(lines[0] ?? "");
  if (!status) return "bad";
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    if (colon <= 0) return "bad";
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(status[1]), headers, bodyAt: end + 4 };
}

/** How a body ends. */
export type Framing = "chunked" | "close" | { readonly lengthBytes: number };

/** The framing that a head announces; undefined if it makes no sense. */
export function framingOf(head: Head): Framing | undefined {
  if (head.status === 204 || head.status === 304 || head.status < 200) return { lengthBytes: 0 };
  const encoding = head.headers.get("transfer-encoding");
  if (encoding !== undefined) return encoding.toLowerCase() === "chunked" ? "chunked" : undefined;
  const length = head.headers.get("content-length");
  if (length === undefined) return "close";
  return /^[0-9]{1,15}$/.test(length) ? { lengthBytes: Number(length) } : undefined;
}

type ChunkState = "size" | "bytes" | "bytes-end" | "trailer" | "done";

/** A body as it arrives: cuts the framing away and hands over the bytes inside. */
export class BodyReader {
  readonly #chunked: boolean;
  #state: ChunkState;
  #left: number;
  #line = "";

  constructor(framing: Framing) {
    this.#chunked = framing === "chunked";
    this.#left = typeof framing === "object" ? framing.lengthBytes : Number.POSITIVE_INFINITY;
    this.#state = this.#chunked ? "size" : this.#left === 0 ? "done" : "bytes";
  }

  /** True once the whole body was read (never for a body that lasts until close). */
  get done(): boolean {
    return this.#state === "done";
  }

  /** True between two chunks (always, for a body that is not chunked). */
  get idle(): boolean {
    return !this.#chunked || (this.#state === "size" && this.#line === "");
  }

  /**
   * Reads the next bytes and calls `piece` with views into them. Answers how many bytes belong to
   * this body (fewer than given when it ended), or -1 if the framing is broken.
   */
  push(bytes: Buffer, piece: (bytes: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "bytes") {
        const take = Math.min(this.#left, bytes.length - at);
        piece(at === 0 && take === bytes.length ? bytes : bytes.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#state = this.#chunked ? "bytes-end" : "done";
        continue;
      }
      const end = bytes.indexOf(10, at);
      const to = end < 0 ? bytes.length : end;
      this.#line += bytes.toString("latin1", at, to);
      if (this.#line.length > (this.#state === "trailer" ? headBytesMax : sizeLineMax)) return -1;
      at = end < 0 ? to : end + 1;
      if (end >= 0 && !this.#endLine()) return -1;
    }
    return at;
  }

  /** Handles one complete line outside chunk bytes; false if it is not what must stand there. */
  #endLine(): boolean {
    if (!this.#line.endsWith("\r")) return false;
    const line = this.#line.slice(0, -1);
    this.#line = "";
    if (this.#state === "bytes-end") {
      this.#state = "size";
      return line === "";
    }
    if (this.#state === "trailer") {
      if (line === "") this.#state = "done";
      return true;
    }
    const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(line);
    if (!size) return false;
    this.#left = Number.parseInt(size[1] ?? "", 16);
    this.#state = this.#left === 0 ? "trailer" : "bytes";
    return true;
  }
}
