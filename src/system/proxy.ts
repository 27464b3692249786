/**
 * A network that fails on purpose: a TCP proxy of the loopback address that stops passing bytes, one way
 * or both, without closing anything, as a partition does.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export class FailingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs: Set<Pair>;
  readonly #stalled: Stalled;

  constructor(server: Server, port: number, pairs: Set<Pair>, stalled: Stalled) {
    this.#server = server;
    this.port = port;
    this.#pairs = pairs;
    this.#stalled = stalled;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Connections through it now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Stops passing bytes; new connections are taken and pass none either. */
  stall(ways: "both" | "up" | "down"): void {
    this.#stalled.up = ways !== "down";
    this.#stalled.down = ways !== "up";
    this.#apply();
  }

  /** Passes bytes again, those held back first. */
  resume(): void {
    this.#stalled.up = this.#stalled.down = false;
    this.#apply();
  }

  /** Ends every connection without a goodbye. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #apply(): void {
    for (const pair of this.#pairs) hold(pair, this.#stalled);
  }
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

interface Stalled {
  up: boolean;
  down: boolean;
}

function hold({ client, upstream }: Pair, stalled: Stalled): void {
  if (stalled.up) client.pause();
  else client.resume();
  if (stalled.down) upstream.pause();
  else upstream.resume();
}

/** A proxy on a free port before `port`. */
export async function startProxy(port: number): Promise<FailingProxy> {
  const pairs = new Set<Pair>();
  const stalled: Stalled = { up: false, down: false };
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    const pair = { client, upstream };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (bytes) => {
        if (to.write(bytes)) return;
        from.pause();
        to.once("drain", () => hold(pair, stalled));
      });
      from.on("error", end);
      from.on("close", end);
    }
    hold(pair, stalled);
  });
  const listening = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
  return new FailingProxy(server, listening, pairs, stalled);
}
