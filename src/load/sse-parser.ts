/**
 * Server-Sent Events from bytes, by the WHATWG algorithm (HTML, section 9.2.6 "Interpreting an event
 * stream"): any line ending, any cut between two reads, a byte order mark at the start, UTF-8 decoded
 * line by line.
 *
 * It hands over *blocks* (what stands between two blank lines) rather than events: a block without
 * `data` is no event, yet its `id` and `retry` count. `idle` is true between two blocks, which is
 * what lets the audience recognise a repeated frame by its bytes alone (stream.ts).
 *
 * It does not know HTTP, JSON or Ovation's events.
 */

/** What stood between two blank lines. `data` is undefined when the block had no `data` field. */
export interface Block {
  readonly event: string;
  readonly data: string | undefined;
  readonly id: string | undefined;
  readonly retryMs: number | undefined;
}

const lf = 10;
const cr = 13;
const colon = 58;
const space = 32;

/** Bytes of an unfinished line, characters of an unfinished block. Beyond: `push` answers false. */
const unfinishedMax = 1024 * 1024;

export class SseParser {
  #carry: Buffer | undefined;
  #atStart = true;
  #skipLf = false;
  #event = "";
  #lines: string | undefined;
  #id: string | undefined;
  #retryMs: number | undefined;
  #dirty = false;

  /** True between two blocks: nothing is held back and nothing is half read. */
  get idle(): boolean {
    return this.#carry === undefined && !this.#dirty && !this.#skipLf && !this.#atStart;
  }

  /**
   * Reads the next bytes and calls `block` for each block they end. `bytes` may be kept only until
   * this returns. False when a line or a block outgrew its bound (1 MB).
   */
  push(bytes: Buffer, block: (block: Block) => void): boolean {
    let text = bytes;
    if (this.#carry) {
      text = Buffer.concat([this.#carry, bytes]);
      this.#carry = undefined;
    }
    let at = 0;
    if (this.#atStart) {
      if (text.length < 3 && isMarkSoFar(text)) {
        if (text.length > 0) this.#carry = Buffer.from(text);
        return true;
      }
      this.#atStart = false;
      if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) at = 3;
    }
    if (this.#skipLf && at < text.length) {
      if (text[at] === lf) at++;
      this.#skipLf = false;
    }
    for (let end = at; end < text.length; end++) {
      const byte = text[end];
      if (byte !== lf && byte !== cr) continue;
      this.#line(text, at, end, block);
      if (byte === cr) {
        if (end + 1 === text.length) this.#skipLf = true;
        else if (text[end + 1] === lf) end++;
      }
      at = end + 1;
    }
    if (at < text.length) this.#carry = Buffer.from(text.subarray(at));
    return text.length - at <= unfinishedMax && (this.#lines?.length ?? 0) <= unfinishedMax;
  }

  #line(text: Buffer, from: number, to: number, block: (block: Block) => void): void {
    if (from === to) {
      this.#end(block);
      return;
    }
    if (text[from] === colon) return;
    let nameEnd = text.indexOf(colon, from);
    if (nameEnd < 0 || nameEnd > to) nameEnd = to;
    let valueAt = Math.min(nameEnd + 1, to);
    if (valueAt < to && text[valueAt] === space) valueAt++;
    const value = text.toString("utf8", valueAt, to);
    this.#field(text.toString("latin1", from, nameEnd), value);
  }

  #field(name: string, value: string): void {
    if (name === "data") {
      this.#lines = this.#lines === undefined ? value : `${this.#lines}\n${value}`;
    } else if (name === "event") {
      this.#event = value;
    } else if (name === "id") {
      if (value.includes("\0")) return;
      this.#id = value;
    } else if (name === "retry") {
      if (!/^[0-9]+$/.test(value)) return;
      this.#retryMs = Number(value);
    } else {
      return;
    }
    this.#dirty = true;
  }

  #end(block: (block: Block) => void): void {
    if (!this.#dirty) return;
    const ended: Block = { event: this.#event, data: this.#lines, id: this.#id, retryMs: this.#retryMs };
    this.#event = "";
    this.#lines = undefined;
    this.#id = undefined;
    this.#retryMs = undefined;
    this.#dirty = false;
    block(ended);
  }
}

function isMarkSoFar(bytes: Buffer): boolean {
  const mark = [0xef, 0xbb, 0xbf];
  return bytes.every((byte, index) => byte === mark[index]);
}
