/**
 * The bare writer: the least that can be put between frames and sockets in this runtime. The yardstick of
 * `bench:fanout`; it knows no videos beyond their place in a list, no slow viewers beyond skipping them, no
 * likes.
 *
 * Two ways in one program: `raw` writes ready-made bytes to sockets of Bun.listen, `stream` enqueues them
 * into plain ReadableStreams of Bun.serve.
 */
import type { Socket } from "bun";
import { limits } from "../src/core/limits.ts";
import { serveOrders } from "./link.ts";

export type BareOrder =
  /** Opens the port. */
  | { readonly do: "open"; readonly how: "raw" | "stream"; readonly videos: readonly string[] }
  /** Writes `frames[i]` to every viewer of the i-th video, over and over, until told to stop. */
  | { readonly do: "flood"; readonly frames: readonly string[] }
  | { readonly do: "stop" }
  | { readonly do: "tell" };

export interface BareWord {
  readonly port: number;
  /** Frames written since the flood began. */
  readonly frames: number;
}

/** Writes between two turns of the event loop: the same as the server's own. */
const stepWrites = limits.stepWritesMax;
const head =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n" +
  "Transfer-Encoding: chunked\r\n\r\n8\r\n: hello\n\r\n";

/** Writes a frame to one viewer; false when the viewer could not take it. */
type Write = (frame: Uint8Array) => boolean;

class BareWriter {
  /** By video: how to write to each of its viewers. */
  #viewers: Write[][] = [];
  #places = new Map<string, number>();
  #port = 0;
  #frames = 0;
  #how: "raw" | "stream" = "raw";
  #flooding = false;

  obey(order: BareOrder): BareWord {
    if (order.do === "open") this.#open(order);
    else if (order.do === "flood") void this.#flood(order.frames);
    else if (order.do === "stop") this.#flooding = false;
    return { port: this.#port, frames: this.#frames };
  }

  #open({ how, videos }: Extract<BareOrder, { do: "open" }>): void {
    this.#how = how;
    this.#viewers = videos.map(() => []);
    this.#places = new Map(videos.map((video, index) => [video, index]));
    this.#port = how === "raw" ? this.#listen() : this.#serve();
  }

  #join(path: string, write: Write): void {
    const video = path.split("/")[3] ?? "";
    this.#viewers[this.#places.get(video) ?? 0]?.push(write);
  }

  #listen(): number {
    type Viewer = { full: boolean; rest: Uint8Array | undefined };
    return Bun.listen<Viewer>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          socket.data = { full: false, rest: undefined };
        },
        data: (socket, bytes) => {
          socket.write(head);
          this.#join(bytes.toString("latin1").split(" ")[1] ?? "", (frame) => writeRaw(socket, frame));
        },
        drain(socket) {
          const { rest } = socket.data;
          socket.data = { full: false, rest: undefined };
          if (rest) writeRaw(socket, rest);
        },
        close() {},
        error() {},
      },
    }).port;
  }

  #serve(): number {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 255,
      development: false,
      fetch: (request) => {
        const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
          controller.enqueue(new TextEncoder().encode(": hello\n"));
          this.#join(new URL(request.url).pathname, (frame) => {
            if ((controller.desiredSize ?? 0) <= 0) return false;
            controller.enqueue(frame);
            return true;
          });
        };
        const body = new ReadableStream<Uint8Array>({ start }, { highWaterMark: 8 });
        return new Response(body, {
          headers: { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" },
        });
      },
    });
    return server.port ?? 0;
  }

  async #flood(frames: readonly string[]): Promise<void> {
    const bytes = frames.map((frame) => {
      const framed = Buffer.from(frame);
      if (this.#how === "stream") return framed;
      return Buffer.concat([Buffer.from(`${framed.length.toString(16)}\r\n`), framed, Buffer.from("\r\n")]);
    });
    this.#flooding = true;
    this.#frames = 0;
    let left = stepWrites;
    while (this.#flooding) {
      for (const [index, viewers] of this.#viewers.entries()) {
        const frame = bytes[index] as Uint8Array;
        for (const write of viewers) {
          if (write(frame)) this.#frames++;
          if (--left > 0) continue;
          left = stepWrites;
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
      }
    }
  }
}

function writeRaw(
  socket: Socket<{ full: boolean; rest: Uint8Array | undefined }>,
  frame: Uint8Array,
): boolean {
  if (socket.data.full) return false;
  const written = socket.write(frame);
  if (written < frame.length) socket.data = { full: true, rest: frame.subarray(Math.max(0, written)) };
  return true;
}

if (import.meta.main) {
  const writer = new BareWriter();
  await serveOrders<BareOrder, BareWord>((order) => writer.obey(order));
}
