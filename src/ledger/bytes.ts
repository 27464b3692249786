/**
 * Numbers and texts as bytes, one after the other, little-endian: what snapshots are written with and read
 * from. A text is u16 length + UTF-8. Reading what is cut throws RangeError, and bad UTF-8 TypeError.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes into as many bytes as it was made with. */
export class Writer {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u16(value: number): void {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  /** Returns where it stands, for `bytes` to write another value there. */
  u32(value: number): number {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this.#at - 4;
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  text(value: string): void {
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#at + 2));
    this.u16(written);
    this.#at += written;
  }

  /** Bytes behind their length, a u32. */
  blob(value: Uint8Array): void {
    this.u32(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** All that was written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** All that was written, with `value` where the u32 at `at` stands. */
  bytes(at: number, value: number): Uint8Array {
    this.#view.setUint32(at, value, true);
    return this.#bytes.subarray(0, this.#at);
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  text(): string {
    const length = this.u16();
    const from = this.#skip(length);
    if (this.#at > this.#bytes.length) throw new RangeError("cut");
    return decoder.decode(this.#bytes.subarray(from, this.#at));
  }

  /** A copy of bytes that stand behind their length. */
  blob(): Uint8Array {
    const length = this.u32();
    const from = this.#skip(length);
    if (this.#at > this.#bytes.length) throw new RangeError("cut");
    return this.#bytes.slice(from, this.#at);
  }

  #skip(bytes: number): number {
    this.#at += bytes;
    return this.#at - bytes;
  }
}
