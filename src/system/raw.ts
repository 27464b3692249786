/** A bare socket for tests: what was sent and what came back, byte for byte, and when. */
import { connect, type Socket } from "node:net";

export class Raw {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    const ended = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("close", ended);
    socket.on("error", ended);
  }

  static open(port: number): Promise<Raw> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Raw(socket)));
      socket.once("error", reject);
    });
  }

  /** Opens a connection and sends a GET. */
  static async get(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Raw> {
    const raw = await Raw.open(port);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.send(`GET ${path} HTTP/1.1\r\nHost: test\r\n${lines.join("")}\r\n`);
    return raw;
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** Everything received, one character per byte. */
  get received(): string {
    return this.#bytes.toString("latin1");
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Waits until `done` holds of what was received, or the other side ends; the test's own timeout ends it
   * else.
   */
  async until(done: (received: string) => boolean): Promise<string> {
    while (!done(this.received) && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (!done(this.received)) throw new Error(`ended after: ${this.received.slice(-2000)}`);
    return this.received;
  }

  /** Waits for the other side's end; everything received. */
  async untilEnd(): Promise<string> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.received;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The head's lines and the chunks of the body so far; throws when the framing is not exact. */
export function readChunked(received: string): { head: string[]; chunks: string[]; complete: boolean } {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return { head: [], chunks: [], complete: false };
  const head = received.slice(0, end).split("\r\n");
  const chunks: string[] = [];
  let at = end + 4;
  for (;;) {
    const line = received.indexOf("\r\n", at);
    if (line < 0) return { head, chunks, complete: false };
    const size = received.slice(at, line);
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`not a chunk size: ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    const start = line + 2;
    if (received.length < start + length + 2) return { head, chunks, complete: false };
    if (received.slice(start + length, start + length + 2) !== "\r\n")
      throw new Error("a chunk without its end");
    if (length === 0) return { head, chunks, complete: true };
    chunks.push(received.slice(start, start + length));
    at = start + length + 2;
  }
}
