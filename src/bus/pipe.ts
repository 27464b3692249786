/**
 * One end of a stream between two processes of one machine: frames in, frames out, and a bound on what waits.
 *
 * What is sent in one turn leaves in one write. A socket takes what it has room for and says later that there
 * is room again; until then the rest waits here, up to limits.localWaitingBytesMax, and beyond that `send`
 * says no (local.test.ts).
 */
import { limits } from "../core/limits.ts";
import { type Frame, FrameReader, FrameRefused } from "./frames.ts";

/** What a pipe needs of a socket. */
export interface PipeSocket {
  /** Takes the first of these bytes; answers how many, or less than 0 when it takes none any more. */
  write(bytes: Uint8Array): number;
  /** Ends the connection, now. */
  terminate(): void;
}

/** Less than this waiting is little. */
const roomyBytesMax = 1024 * 1024;
/** Frames up to this many bytes together are copied into one write. */
const joinedBytesMax = 64 * 1024;

export class Pipe {
  readonly #socket: PipeSocket;
  readonly #heard: (frame: Frame) => void;
  readonly #reader = new FrameReader();
  /** In order; the first may have left in part. */
  #queue: Uint8Array[] = [];
  #waiting = 0;
  #scheduled = false;
  /** The socket had no room, and has not said yet that it has. */
  #full = false;
  #open = true;

  constructor(socket: PipeSocket, heard: (frame: Frame) => void) {
    this.#socket = socket;
    this.#heard = heard;
  }

  /** Bytes that the socket has not taken. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether more can be sent without waiting for long: for what may as well wait where it is. */
  get roomy(): boolean {
    return this.#waiting < roomyBytesMax;
  }

  /** Sends a whole frame, as bytes. False: closed, or too much waits already. */
  send(frame: Uint8Array): boolean {
    if (!this.#open || this.#waiting + frame.length > limits.localWaitingBytesMax) return false;
    this.#queue.push(frame);
    this.#waiting += frame.length;
    if (!this.#scheduled && !this.#full) {
      this.#scheduled = true;
      queueMicrotask(() => this.#flush());
    }
    return true;
  }

  /** Bytes have arrived. False when they are no frames of ours: the connection is ended. */
  arrived(bytes: Uint8Array): boolean {
    try {
      for (const frame of this.#reader.read(bytes)) {
        if (!this.#open) return true;
        this.#heard(frame);
      }
      return true;
    } catch (error) {
      if (!(error instanceof FrameRefused)) throw error;
      this.end();
      return false;
    }
  }

  /** The socket has room again. */
  drained(): void {
    this.#full = false;
    this.#flush();
  }

  /** Ends it; what waits is let go. */
  end(): void {
    if (!this.#open) return;
    this.closed();
    this.#socket.terminate();
  }

  /** The socket has ended by itself. */
  closed(): void {
    this.#open = false;
    this.#queue = [];
    this.#waiting = 0;
  }

  #flush(): void {
    this.#scheduled = false;
    while (this.#open && !this.#full && this.#queue.length > 0) {
      const next = this.#next();
      const taken = Math.max(0, this.#socket.write(next));
      this.#waiting -= taken;
      if (taken === next.length) continue;
      this.#queue.unshift(next.subarray(taken));
      this.#full = true;
    }
  }

  /** Takes from the queue what is written next: one frame, or several small ones as one. */
  #next(): Uint8Array {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length; count++) {
      bytes += (this.#queue[count] as Uint8Array).length;
      if (bytes > joinedBytesMax) break;
    }
    if (count <= 1) return this.#queue.shift() as Uint8Array;
    return Buffer.concat(this.#queue.splice(0, count));
  }
}
