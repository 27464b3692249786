/**
 * A serving process: ports, and behind them everything of service.ts.
 *
 * *Drain* is for viewers (each is sent away in its own time, publishing goes on), *stop* is for the process
 * (what was accepted is durable, files and sockets are given back): system/main.test.ts. Not here: what a
 * node stands on (node/open.ts), and signals, arguments and exit codes (main.ts).
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readings } from "../base/metrics.ts";
import { gateBefore } from "../http/gate.ts";
import { StartRefused } from "../node/company.ts";
import { bun } from "../node/runtime-bun.ts";
import { Service, type ServiceParts } from "../node/service.ts";
import { Collector } from "./collect-garbage.ts";
import { Descriptors, nextDescriptor, openMax } from "./descriptors.ts";
import { Listeners, listenOn } from "./listeners.ts";

/** `allMetrics` is a worker's: others on the same port are then let in. */
export type ServeParts = Omit<ServiceParts, "runtime" | "readFile">;

export interface Serving {
  readonly url: string;
  readonly port: number;
  /** Resolves when it is of use: a worker without NATS first finds the one with the ledger. */
  readonly listening: Promise<void>;
  /** Resolves with the reason when the node, after all, cannot start. */
  readonly failed: Promise<Error>;
  /** Streams open now. */
  connections(): number;
  /** Connections that wait to be accepted. */
  waiting(): number;
  /** The metrics of this process. */
  readings(): Promise<Readings>;
  /** Gives all new connections to the listener in this place among the workers'; to all without one. */
  steer(place: number | undefined): void;
  /** Sends so many viewers away, over some seconds: they may come back to any worker. */
  shed(viewers: number): void;
  /** Not ready from this moment on; resolves when every viewer has been sent away. */
  drain(): Promise<void>;
  /** Reads files that may change while it runs: keys, words. Answers what is wrong with them. */
  reload(): readonly string[];
  /** Ends everything; what was accepted is durable. */
  stop(): Promise<void>;
}

/** The path of a socket has at most 107 bytes on Linux, and less elsewhere. */
const tmpdirBytesMax = 80;
/** How long requests under way may take to end once nobody new comes, in ms. */
const lastRequestsMs = 2_000;

/**
 * Serves. A node alone is ready when this resolves; a node of a cluster listens, and becomes ready by
 * itself. Rejects with StartRefused or LedgerRefused when it cannot start; nothing is then left behind.
 */
export async function startServing(parts: ServeParts): Promise<Serving> {
  const server = new Server(parts);
  try {
    await server.open();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

class Server implements Serving {
  readonly failed: Promise<Error>;
  readonly listening: Promise<void>;
  readonly #parts: ServeParts;
  readonly #service: Service;
  /** Whether what the node stands on may come later. */
  readonly #waits: boolean;
  readonly #collector: Collector;
  readonly #descriptors: Descriptors;
  readonly #failed = Promise.withResolvers<Error>();
  #listeners: Listeners | undefined;

  constructor(parts: ServeParts) {
    this.#parts = parts;
    this.failed = this.#failed.promise;
    const fewDescriptors = () => this.#descriptors.few;
    this.#service = new Service({ ...parts, fewDescriptors, runtime: bun, readFile: readText });
    this.#descriptors = new Descriptors({
      ...{ clock: parts.clock, log: parts.log, metrics: this.#service.doors.metrics },
      ...{ most: openMax(), next: nextDescriptor },
    });
    const { settings, local } = parts;
    this.#waits = settings.nats.length > 0 || (local !== undefined && !local.ledger);
    this.listening = local ? this.#service.running : Promise.resolve();
    this.listening.catch(() => {});
    this.#collector = new Collector(parts.clock, () => this.#service.connections(), {
      beside: () => Bun.gc(false),
      giveBack: () => Bun.shrink(),
      atOnce: giveBack,
    });
    this.#service.running.then(giveBack, () => {});
  }

  get url(): string {
    return this.#listeners?.url ?? "";
  }

  get port(): number {
    return this.#listeners?.port ?? 0;
  }

  async open(): Promise<void> {
    const { running, doors } = this.#service;
    if (this.#waits) running.catch((error: Error) => this.#failed.resolve(error));
    else await running;
    // It is asked by the other workers only.
    if (this.#parts.local?.ledger) return;
    const shared = this.#parts.allMetrics !== undefined;
    this.#listeners = new Listeners(doors, { ...this.#parts, shared, readFile: readText });
    this.#descriptors.guard(gateBefore(this.#listeners.port));
  }

  connections(): number {
    return this.#service.connections();
  }

  waiting(): number {
    return this.#listeners?.waiting ?? 0;
  }

  readings(): Promise<Readings> {
    return this.#service.readings();
  }

  steer(place: number | undefined): void {
    this.#listeners?.steer(place);
  }

  shed(viewers: number): void {
    void this.#service.shed(viewers);
  }

  drain(): Promise<void> {
    return this.#service.drain();
  }

  reload(): readonly string[] {
    return [...this.#service.reload(), ...(this.#listeners?.reload() ?? [])];
  }

  async stop(): Promise<void> {
    await this.#listeners?.stop(lastRequestsMs);
    this.#collector.close();
    this.#descriptors.close();
    await this.#service.close();
  }
}

/** Gives the system what nobody uses: after the start 13 MB of 41, in each of several processes. */
export function giveBack(): void {
  Bun.gc(true);
  Bun.shrink();
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

/**
 * A folder of our own for the socket at which workers meet, mode 0700. Throws StartRefused when there can be
 * none.
 */
export function claimFolder(): string {
  const below = tmpdir();
  if (Buffer.byteLength(below) > tmpdirBytesMax) {
    throw new StartRefused(`workers meet at a socket below TMPDIR, and ${below} is too long for one`);
  }
  try {
    return mkdtempSync(join(below, "ovation-"));
  } catch (error) {
    const why = (error as { code?: string }).code;
    throw new StartRefused(`workers meet at a socket below TMPDIR, and ${below} takes no folder (${why})`);
  }
}

/** A port that nobody listens on now, for workers to share: the one of the settings, or a free one for 0. */
export async function claimPort(
  parts: Pick<ServeParts, "settings" | "log" | "clock" | "prng">,
): Promise<number> {
  const { host, port, beatMs } = parts.settings;
  const closed = () => new Response(null, { status: 503 });
  const listener = listenOn(closed, { host, port, reusePort: false, log: parts.log, beatMs });
  await listener.stop(parts.clock, 0);
  return listener.port;
}
